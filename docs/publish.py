"""Writes the pages of docs/studies from a lab's own answers: ``python docs/publish.py [URL] [quick|full] [NAME ...]``.

Each study is run (what the lab has is reused), judged, drawn, and put down with what the numbers
were made with. No number on these pages is typed by hand.
"""

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.studies import STUDIES, Size, Study
from extrapolab import Lab
from extrapolab.models.experiments import ExperimentRecord
from extrapolab.models.studies import Claim

PAGES = Path(__file__).parent / "studies"
VERDICTS = {"holds": "holds", "fails": "**fails**", "not_run": "not run"}


def main(url: str = "http://127.0.0.1:8000", size: Size = "quick", *names: str) -> None:
    rows, run = [], None
    with Lab(url, user="publish") as lab:
        for name in names or STUDIES:
            study = lab.study(name, size)
            members = study.submit()
            report = study.wait()
            figure = PAGES / "images" / f"{name}.png"
            figure.parent.mkdir(exist_ok=True)
            study.figure("extrapolation", figure)
            run = _run(report.claims, [member.refresh().record for member in members])
            (PAGES / f"{name}.md").write_text(_page(STUDIES[name], size, run))
            held = sum(claim.verdict == "holds" for claim in report.claims)
            rows.append((name, held, len(report.claims)))
            print(
                f"{name}: {held} of {len(report.claims)} claims hold; {run.seconds:.0f} s of training"
            )
    if run and not names:
        (PAGES / "README.md").write_text(_index(rows, size, run.provenance))


@dataclass(frozen=True)
class Run:
    """What a lab answered: claims, spec hashes by experiment, seconds of training, what it was all made with."""

    claims: Sequence[Claim]
    hashes: Mapping[str, str]
    seconds: float
    provenance: str


def _run(claims: Sequence[Claim], records: Sequence[ExperimentRecord]) -> Run:
    seconds = sum(
        (r.finished_at - r.started_at).total_seconds()
        for r in records
        if r.finished_at and r.started_at
    )
    hashes = {record.id: record.spec_hash for record in records}
    return Run(
        claims, hashes, seconds, _provenance([dict(record.provenance or {}) for record in records])
    )


def _page(study: Study, size: Size, run: Run) -> str:
    module = inspect.getmodule(type(study))
    _, _, prose = (inspect.getdoc(module) or "").partition("\n\n")
    table = [
        f"| {c.claim} | {c.inequality.replace('|', chr(92) + '|')} | {_number(c.value)} | {VERDICTS[c.verdict]} | "
        f"{_rests_on([run.hashes[key] for key in c.experiments])} |"
        for c in run.claims
    ]
    source = Path(inspect.getfile(type(study))).name
    return "\n".join(
        [
            f"# {study.name}: {study.title[0].lower()}{study.title[1:]}",
            "",
            f"**Question.** {study.question}",
            "",
            prose,
            "",
            f"![{study.title}](images/{study.name}.png)",
            "",
            f"## Verdicts, {size} size",
            "",
            "| claim | inequality | value | verdict | rests on |",
            "| --- | --- | --- | --- | --- |",
            *table,
            "",
            f"As last run: {len(run.hashes)} experiments, {run.seconds:.0f} s of training in all, {run.provenance}.",
            "*Rests on* counts experiments and names the first by its spec hash. Run it again with",
            "",
            "<!-- not run: it takes minutes -->",
            "```console",
            f"$ extrapolab study run {study.name} --size {size}",
            "```",
            "",
            f"## Set-up, {size} size",
            "",
            f"From [core/studies/{source}](../../core/studies/{source}); what isn't named has the spec's default.",
            "",
            *_setup(study, size),
        ]
    )


def _setup(study: Study, size: Size) -> list[str]:
    lines = []
    for arm, sweep in study.sweeps(size).items():
        plain = sweep.model_dump(mode="json", include={"base", "axes"})
        lines += [
            f"{arm[0].upper()}{arm[1:]}:",
            "",
            "```yaml",
            yaml.safe_dump(_short(plain), sort_keys=False).strip(),
            "```",
            "",
        ]
    return lines


def _short(value: Any) -> Any:
    """Long lists of numbers, such as drawn inputs, by their size; short ones on one line."""
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], (list, tuple)) and len(value) * len(value[0]) > 40:
            return f"{len(value)} x {len(value[0])} numbers"
        return (
            _Flow(map(_short, value))
            if all(not isinstance(item, (dict, list)) for item in value)
            else list(map(_short, value))
        )
    return value


class _Flow(list[Any]):
    """A list that YAML writes on one line."""


yaml.SafeDumper.add_representer(
    _Flow,
    lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True),
)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _rests_on(hashes: list[str]) -> str:
    return (
        f"{len(hashes)}: `{hashes[0][:12]}`{', ...' if len(hashes) > 1 else ''}" if hashes else ""
    )


def _provenance(found: list[dict[str, str]]) -> str:
    keys = ("extrapolab", "commit", "python", "numpy", "torch", "numba", "cpu", "threads", "dtype")
    shared = {key: {one[key] for one in found if key in one} for key in keys}
    return ", ".join(
        f"{key.replace('_', ' ')} {'/'.join(sorted(values))}"
        for key, values in shared.items()
        if values
    )


def _index(rows: list[tuple[str, int, int]], size: Size, provenance: str) -> str:
    table = [
        f"| [{name}]({name}.md) | {STUDIES[name].question} | {held} of {all_} |"
        for name, held, all_ in rows
    ]
    return "\n".join(
        [
            "# Studies",
            "",
            "A study is a set of built-in sweeps that answers one question. Its claims are inequalities on stored",
            "numbers, judged anew whenever its report is asked for, and reported as failing where they fail.",
            "",
            "<!-- not run: it takes minutes -->",
            "```console",
            "$ extrapolab study list",
            "$ extrapolab study run balanced --size quick",
            "$ extrapolab study report",
            "```",
            "",
            f"| study | question | claims that hold, {size} size |",
            "| --- | --- | --- |",
            *table,
            "",
            f"As last run, with {provenance}. These pages are written by `make studies` from a running lab's answers.",
            "",
        ]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # the lab refuses other sizes
