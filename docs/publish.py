"""Writes the pages of docs/studies from a lab's answers, so that no number is typed by hand.

``python docs/publish.py [URL] [quick|full] [NAME[=SIZE] ...]`` runs each study (stored experiments
are reused), judges its claims, draws its figure and writes its page. Names choose studies; a name
with a size runs that study in this size, and all others as well.
"""

import inspect
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from formulas import mark  # beside this script

from core.studies import STUDIES, Size, Study
from extrapolab import Lab
from extrapolab.models.experiments import ExperimentRecord
from extrapolab.models.studies import Claim

PAGES = Path(__file__).parent / "studies"
COLUMNS = 100
VERDICTS = {"holds": "holds", "fails": "**fails**", "not_run": "not run"}
SWAPPED = {"holds": "**holds**", "fails": "fails", "not_run": "not run"}
PROVENANCE = (
    "extrapolab",
    "commit",
    "python",
    "numpy",
    "torch",
    "numba",
    "cpu",
    "threads",
    "dtype",
)


@dataclass(frozen=True)
class Run:
    """A study as a lab ran it.

    Attributes:
        size: Its size.
        caption: The caption of its figure.
        claims: Its claims, judged.
        hashes: Spec hashes by experiment id.
        seconds: Total training time.
        provenance: Versions and hardware.
    """

    size: Size
    caption: str
    claims: Sequence[Claim]
    hashes: Mapping[str, str]
    seconds: float
    provenance: str

    @property
    def holding(self) -> int:
        """The number of claims that hold."""
        return sum(claim.verdict == "holds" for claim in self.claims)


def main(url: str = "http://127.0.0.1:8000", size: Size = "quick", *names: str) -> None:
    runs = {}
    (PAGES / "images").mkdir(exist_ok=True)
    sizes: dict[str, Any] = dict(name.split("=") for name in names if "=" in name)
    chosen = [name for name in names if "=" not in name]
    with Lab(url, user="publish") as lab:
        for name in chosen or STUDIES:
            run = runs[name] = run_study(lab, name, sizes.get(name, size))
            write(f"{name}.md", study_page(STUDIES[name], run))
            print(
                f"{name}: {run.holding} of {len(run.claims)} claims hold; "
                f"{run.seconds:.0f} s of training"
            )
    if not chosen:
        write("README.md", index_page(runs))


def write(name: str, paragraphs: Sequence[str]) -> None:
    (PAGES / name).write_text("\n\n".join(paragraphs) + "\n")


def run_study(lab: Lab, name: str, size: Size) -> Run:
    """Runs a study and saves its figure."""
    study = lab.study(name, size)
    experiments = study.submit()
    report = study.wait()
    study.figure("extrapolation", PAGES / "images" / f"{name}.png")
    with TemporaryDirectory() as folder:
        caption = study.figure("extrapolation", Path(folder) / "caption.txt").read_text().strip()
    records = [experiment.refresh().record for experiment in experiments]
    return Run(
        size=size,
        caption=caption,
        claims=report.claims,
        hashes={record.id: record.spec_hash for record in records},
        seconds=sum(training_seconds(record) for record in records),
        provenance=provenance([dict(record.provenance or {}) for record in records]),
    )


def training_seconds(record: ExperimentRecord) -> float:
    if record.started_at is None or record.finished_at is None:
        return 0.0
    return (record.finished_at - record.started_at).total_seconds()


def provenance(sources: Sequence[Mapping[str, str]]) -> str:
    """Versions and hardware of all experiments."""
    values = {key: {source[key] for source in sources if key in source} for key in PROVENANCE}
    return ", ".join(f"{key} {'/'.join(sorted(values[key]))}" for key in values if values[key])


def study_page(study: Study, run: Run) -> list[str]:
    """The paragraphs of a study's page."""
    module = inspect.getmodule(type(study))
    source = f"core/studies/{Path(inspect.getfile(type(study))).name}"
    _, _, prose = (inspect.getdoc(module) or "").partition("\n\n")
    size = run.size
    return [
        f"# {study.headline}",
        fill(f"**Question.** {study.question}"),
        *(fill(mark(paragraph)) for paragraph in prose.split("\n\n") if paragraph),
        f"![{study.title}](images/{study.name}.png)",
        fill(f"*{mark(run.caption)}*"),
        f"## Verdicts, {size} size",
        claim_table(run),
        fill(
            f"Last run: {len(run.hashes)} experiments, {run.seconds:.0f} s of training in all, "
            f"{run.provenance}. *Swapped* is a contrast's verdict with its arms swapped, "
            "where it should fail. *Rests on* counts experiments and gives the spec hash of the "
            "first. [Placebos](placebos.md) shows where each claim must fail. Repeat it with"
        ),
        console(f"extrapolab study run {study.name} --size {size}"),
        f"## Setup, {size} size",
        fill(f"From [{source}](../../{source}); all other fields have the spec's defaults."),
        *setup(study, size),
        *works(study),
    ]


def claim_table(run: Run) -> str:
    rows = [
        (
            mark(claim.claim),
            mark(claim.inequality).replace("|", r"\|"),
            "" if claim.value is None else f"{claim.value:.3g}",
            VERDICTS[claim.verdict],
            f"{claim.fitted} of {claim.seeds}" if claim.seeds else "",
            "" if claim.swapped is None else SWAPPED[claim.swapped],
            evidence([run.hashes[experiment_id] for experiment_id in claim.experiments]),
        )
        for claim in run.claims
    ]
    header = ("claim", "inequality", "value", "verdict", "seeds that fit", "swapped", "rests on")
    return table(header, rows)


def evidence(hashes: Sequence[str]) -> str:
    """The number of experiments and the first one's spec hash."""
    if not hashes:
        return ""
    more = ", ..." if len(hashes) > 1 else ""
    return f"{len(hashes)}: `{hashes[0][:12]}`{more}"


def setup(study: Study, size: Size) -> list[str]:
    """The sweep of each arm as YAML."""
    paragraphs = []
    for arm, sweep in study.sweeps(size).items():
        fields = abridge(sweep.model_dump(mode="json", include={"base", "axes"}))
        text = yaml.safe_dump(fields, sort_keys=False).strip()
        paragraphs += [mark(f"{arm[0].upper()}{arm[1:]}:"), f"```yaml\n{text}\n```"]
    return paragraphs


def works(study: Study) -> list[str]:
    """The works that the study rests on."""
    if not study.works:
        return []
    return ["## Works", *(fill(work.sentence) for work in study.works)]


def abridge(value: Any) -> Any:
    """Replaces large matrices by their size, and marks plain lists to be written on one line."""
    if isinstance(value, dict):
        return {key: abridge(item) for key, item in value.items()}
    if not isinstance(value, (list, tuple)):
        return value
    if value and isinstance(value[0], (list, tuple)) and len(value) * len(value[0]) > 40:
        return f"{len(value)} x {len(value[0])} numbers"
    items = [abridge(item) for item in value]
    return items if any(isinstance(item, (dict, list)) for item in value) else InlineList(items)


class InlineList(list[Any]):
    """A list that YAML writes on one line."""


yaml.SafeDumper.add_representer(
    InlineList,
    lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True),
)


def index_page(runs: Mapping[str, Run]) -> list[str]:
    """The paragraphs of the page that lists all studies."""
    rows = [
        (
            f"[{STUDIES[name].headline}]({name}.md)",
            f"`{name}`",
            STUDIES[name].question,
            run.size,
            f"{run.holding} of {len(run.claims)}",
        )
        for name, run in runs.items()
    ]
    return [
        "# Studies",
        fill(
            "A study is a set of built-in sweeps that answers one question. Its claims are "
            "inequalities between stored numbers. Each report judges them again, and shows those "
            "that fail. Many bounds were set after results of the quick size were seen: a claim "
            "that holds says what happens, not that it was predicted. [Placebos](placebos.md) are "
            "evidence without the phenomenon, on which every claim must fail."
        ),
        console(
            "extrapolab study list",
            "extrapolab study run balanced --size quick",
            "extrapolab study report",
        ),
        table(("study", "name", "question", "size", "claims that hold"), rows),
        fill(
            "Each page says with which versions it was run. `make studies` writes these pages from "
            "a running lab's answers."
        ),
    ]


def console(*commands: str) -> str:
    """A block of commands that the tests of the pages skip."""
    lines = "\n".join(f"$ {command}" for command in commands)
    return f"<!-- not run: it takes minutes -->\n```console\n{lines}\n```"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fill(paragraph: str) -> str:
    """Wraps a paragraph, but no formula and before no minus, which Markdown would list."""
    glued = re.sub(r" (?=[-+*] )", "\N{NO-BREAK SPACE}", " ".join(paragraph.split()))
    glued = re.sub(r"\$[^$]+\$", lambda formula: formula[0].replace(" ", "\u00a0"), glued)
    lines = textwrap.fill(glued, COLUMNS, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\N{NO-BREAK SPACE}", " ")


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # the lab refuses other sizes
