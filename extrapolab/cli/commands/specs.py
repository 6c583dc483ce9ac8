"""Commands that write and explain specs: new, init, schema. Only studies need a lab."""

import difflib
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extrapolab.cli.arguments import AsJson, SizeOption, lab_of
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.table_layout import table
from extrapolab.cli.terminal import console, print_error, print_path
from extrapolab.errors import LabUnreachable

if TYPE_CHECKING:
    from extrapolab.cli.questions import Question

app = typer.Typer()
_PANEL = "Experiments"
_STUDY = "study."
_SWEEP = "sweep submit"

Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


@app.command(rich_help_panel=_PANEL)
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = Path(
        "experiment.yaml"
    ),
    *,
    force: Force = False,
) -> None:
    """Ask five questions and write a spec. Enter takes the answer in brackets.

    For example:
    ```
    extrapolab new
    extrapolab new two-poles.yaml
    ```
    """
    if not sys.stdin.isatty():
        print_error("new asks questions, so it needs a terminal; init writes a spec without any.")
        raise typer.Exit(ExitCode.USAGE)
    _refuse_to_replace(file, force=force)
    from core.spec.commented import commented_yaml  # noqa: PLC0415  # loads the spec
    from core.spec.examples import EXAMPLE  # noqa: PLC0415  # as above
    from extrapolab.cli.questions import QUESTIONS  # noqa: PLC0415  # as above

    spec = EXAMPLE
    for question in QUESTIONS:
        spec = _ask(question, spec)
    _write(file, commented_yaml({**spec, "name": file.stem}), force=force)
    typer.echo(f"{file} is written. Run it: extrapolab submit {shlex.quote(str(file))} --watch")


@app.command(rich_help_panel=_PANEL)
def init(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Such as teacher.delay, student.gru, optimizer.adam or study.balanced. Without "
            "it, all names are listed.",
        ),
    ] = None,
    *,
    folder: Annotated[
        Path, typer.Option("--folder", "-o", help="Where to write; the current folder by default.")
    ] = Path(),
    size: SizeOption = "quick",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write a spec with a comment on every field, to begin with.

    Of a study, write its sweeps, one file each; the lab has them.

    For example:
    ```
    extrapolab init
    extrapolab init teacher.delay
    extrapolab submit teacher-delay.yaml --watch
    extrapolab init study.threshold --folder threshold
    ```
    """
    if name is None:
        _list_names(context, as_json=as_json)
        return
    files = _study_files(context, name, size) if name.startswith(_STUDY) else _part_file(name)
    for stem, text in files.items():
        path = folder / f"{stem}.yaml"
        _write(path, text, force=force)
        print_path(path, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def schema(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help="Such as student, teacher.delay, training.loss or sweep. Default: an experiment.",
        ),
    ] = "",
) -> None:
    """Print the JSON Schema of a spec, or of a part of it, for editors and programs.

    For example:
    ```
    extrapolab schema > spec.schema.json
    extrapolab schema student.start
    extrapolab schema optimizer.adam
    ```
    """
    from core.spec.schema import UnknownPart, part_schema  # noqa: PLC0415  # loads the spec

    try:
        typer.echo(json.dumps(part_schema(part), indent=2))
    except UnknownPart as error:
        raise typer.BadParameter(str(error), param_hint="PART") from error


def _ask(question: "Question", spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Asks until the answer makes a valid spec."""
    from extrapolab.cli.questions import Unclear  # noqa: PLC0415  # loads the spec

    while True:
        try:
            return question.answer(spec, typer.prompt(question.text, question.default(spec)))
        except Unclear as error:
            typer.echo(f"  {error}")


def _write(path: Path, text: str, *, force: bool) -> None:
    _refuse_to_replace(path, force=force)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _refuse_to_replace(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        print_error(f"{path} is there already; --force replaces it.")
        raise typer.Exit(ExitCode.USAGE)


def _list_names(context: typer.Context, *, as_json: bool) -> None:
    names = dict(_part_names())
    try:
        with lab_of(context, patience=0) as lab:
            names |= {f"{_STUDY}{study.name}": study.question for study in lab.studies()}
    except LabUnreachable as error:
        print_error(f"A lab has studies too, and none answers at {error.url}.")
    rows = table("name", "about", folding=("about",))
    for name, about in names.items():
        if as_json:
            typer.echo(json.dumps({"name": name, "about": about}))
        rows.add_row(name, about)
    rows.columns[0].no_wrap = True
    if not as_json:
        console().print(rows)


def _part_names() -> Iterator[tuple[str, str]]:
    """Yields the name of each kind of a teacher, student and optimizer, and what it is."""
    from core.spec.examples import PARTS, kinds  # noqa: PLC0415  # loads the spec
    from core.spec.schema import SWEEP, part_schema  # noqa: PLC0415  # as above

    for part in PARTS:
        for kind in kinds(part):
            description = part_schema(f"{part}.{kind}")["description"]
            summary = description.partition("\n\n")[0]
            yield f"{part}.{kind}", summary.replace("\n", " ").replace("`", "")
    yield SWEEP, "Many experiments: a base spec, and axes over its fields."


def _part_file(name: str) -> dict[str, str]:
    """The text of an experiment with a part of a kind, by the stem of its file's name."""
    from core.spec.commented import commented_yaml  # noqa: PLC0415  # loads the spec
    from core.spec.examples import SWEEP_EXAMPLE, example  # noqa: PLC0415  # as above

    names = dict(_part_names())
    found = [known for known in names if name in {known, known.partition(".")[2]}]
    if len(found) > 1:
        raise typer.BadParameter(f"{name} is either of {', '.join(found)}", param_hint="NAME")
    if not found:
        raise typer.BadParameter(_unknown(name, names), param_hint="NAME")
    part, _, kind = found[0].partition(".")
    if not kind:
        header = _header(f"{part}.yaml", names[part], command=_SWEEP)
        return {part: commented_yaml(SWEEP_EXAMPLE, header)}
    stem = f"{part}-{kind}"
    about = f"An experiment with every field of a {part} of kind {kind}; most can be left out."
    return {stem: commented_yaml(example(part, kind), _header(f"{stem}.yaml", about))}


def _header(file: str, *about: str, command: str = "submit") -> list[str]:
    """The comment in front of a spec."""
    return [
        *about,
        f"Check it: extrapolab {command} {file} --dry-run",
        f"Run it:   extrapolab {command} {file} --watch",
        "",
    ]


def _unknown(name: str, names: Mapping[str, str]) -> str:
    kinds = [known.partition(".")[2] for known in names]
    close = difflib.get_close_matches(name, [*names, *kinds], n=1)
    hint = f"; did you mean {close[0]}?" if close else f"; of a study, write {_STUDY}NAME."
    return f"there is no kind {name!r}{hint} 'extrapolab init' lists all"


def _study_files(context: typer.Context, name: str, size: Any) -> dict[str, str]:
    """The texts of a study's sweeps, by the stems of their files' names."""
    from core.spec.commented import commented_yaml  # noqa: PLC0415  # loads the spec

    with lab_of(context) as lab:
        arms = lab.study(name.removeprefix(_STUDY), size).arms()
    texts = {}
    for arm in arms:
        stem = "-".join(re.findall(r"[a-z0-9.]+", f"{arm.study} {arm.arm}".lower()))
        base = {field: value for field, value in arm.base.items() if field != "tags"}
        content = {"name": f"from {arm.study}: {arm.arm}", "base": base, "axes": [*arm.axes]}
        about = f"An arm of the study {arm.study}, size {size}: {arm.arm}."
        header = _header(f"{stem}.yaml", about, arm.question, command=_SWEEP)
        texts[stem] = commented_yaml(content, header)
    return texts
