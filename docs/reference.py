"""The reference pages of the site, generated from the code.

Python comes from mkdocstrings, the spec from its JSON Schema, HTTP from the OpenAPI document, and
commands from Typer. The pages on the language of specs and filters are kept in the repository,
written by ``python docs/reference.py``; the others are made while MkDocs builds the site.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import http_reference  # beside this hook, as are the next two
from formulas import mark
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from schema_types import field_table, table
from typer.main import get_command

import extrapolab
from core.spec import ExperimentSpec, SweepSpec
from core.spec.commented import plain_yaml
from core.spec.examples import EXAMPLE
from extrapolab import errors
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from service.app import build
from service.settings import Settings
from store.query.fields import FIELDS

FOLDER = Path(__file__).with_name("reference")

CLASSES = ("Lab", "Experiment", "Sweep", "Query", "Rows", "Figure", "Study", "AsyncLab")
"""The client's classes, in the order in which a reader needs them."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    document = build(Settings(database_url="sqlite:///nothing.db")).openapi()
    pages = {name: write() for name, write in MADE.items()} | http_reference.pages(document)
    for name, content in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files


def python() -> str:
    """The client's public names, and ``core.run.run``."""
    wrappers = [
        name for name in extrapolab.__all__ if name.startswith("Async") and name not in CLASSES
    ]
    parts = [
        "# Python",
        "The names that `import extrapolab` offers. They talk to a lab over HTTP; `core.run.run` "
        "needs no lab and computes in this process.",
        *(f"::: extrapolab.{name}\n    options: {{inherited_members: true}}" for name in CLASSES),
        "\n".join(
            f"- `{name}` has the methods of `{name.removeprefix('Async')}`, as coroutines."
            for name in wrappers
        ),
        "::: core.run.run",
        "::: core.result.ExperimentResult",
        "::: core.result.RunResult",
        "## Errors",
        f"```text\n{inspect.cleandoc(errors.__doc__ or '')}\n```",
    ]
    return "\n\n".join(parts)


def command_line() -> str:
    """Every command with its arguments and options."""
    parts = [
        "# Command line",
        "Each command talks to the lab at `EXTRAPOLAB_URL`, or at `--url URL`, before or after the "
        "command. With `--json`, in either place, it prints one JSON document per item, for "
        "programs. Only a terminal gets colours; `NO_COLOR` turns them off.",
        "## Exit codes",
        *table(("code", "meaning"), ((f"{code:d}", code.meaning) for code in ExitCode)),
    ]
    for name, command in subcommands(get_command(app), ("extrapolab",)):
        parts += [f"## {name}", docstring_markdown(command.help or "")]
        rows = [
            (f"`{option_names(option)}`", (option.help or "").strip())
            for option in command.params
            if option.name not in {"help", "url"}
        ]
        parts += table(("argument or option", "meaning"), rows) if rows else []
    return "\n".join(parts)


def option_names(parameter: Any) -> str:
    if parameter.param_type_name == "option":
        return " / ".join(parameter.opts)
    return parameter.metavar or parameter.name.upper()


def subcommands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """All commands below a group, with their full names."""
    for name in sorted(group.list_commands(None)):
        command = group.get_command(None, name)
        yield " ".join((*path, name)), command
        if hasattr(command, "list_commands"):
            yield from subcommands(command, (*path, name))


def spec() -> str:
    """Every part of a spec and of a sweep, with its fields."""
    parts = [
        "# The spec",
        "An experiment as it is submitted, stored and trained: `POST /v1/experiments`, "
        "`lab.submit`, `extrapolab submit`. Unknown fields are refused. The teacher, the student's "
        "kind and dimension, and the training length are required; all other fields have defaults.",
        f"```yaml\n{plain_yaml(EXAMPLE)}```",
        "`extrapolab init` writes such a file for each kind of teacher, student and optimizer, "
        "with a comment on every field; `extrapolab schema` prints the JSON Schema.",
    ]
    for model, title in ((ExperimentSpec, "An experiment"), (SweepSpec, "A sweep")):
        schema = model.model_json_schema()
        parts += [f"## {title}", *field_table(schema, part_link)]
        for name, definition in sorted(schema["$defs"].items()):
            heading = f"### {name}"
            if "properties" in definition and heading not in parts:
                description = docstring_markdown(definition.get("description", ""))
                parts += [heading, description, *field_table(definition, part_link)]
    return "\n\n".join(parts[:4]) + "\n\n" + "\n".join(parts[4:])


def part_link(name: str) -> str:
    """A link to a part of the spec on its page."""
    return f"[{name}](#{name.lower()})"


def fields() -> str:
    """Every name that a filter can use."""
    rows = [
        (
            f"`{field.name}`",
            field.kind.value,
            field.scope.value,
            ", ".join(f"`{choice}`" for choice in field.choices) or mark(field.meaning),
        )
        for field in FIELDS.values()
    ]
    return "\n".join(
        [
            "# Query fields",
            "The names of [the filter language](../query.md). An experiment has one value of a "
            "field *of* an experiment, and one per run, tag or sweep of the others.",
            *table(("name", "type", "of", "meaning or values"), rows),
        ]
    )


def docstring_markdown(text: str) -> str:
    """A docstring as Markdown, with its examples as code."""
    cleaned = inspect.cleandoc(text).replace("\b", "")
    with_code = re.sub(
        r"(?m)^Example:\n((?: {4}.*\n?|\n)+)",
        lambda match: f"```pycon\n{inspect.cleandoc(match[1])}\n```\n",
        cleaned,
    )
    parts = re.split(r"(?ms)(^```.*?^```$)", re.sub(r"``([^`\n]+)``", r"`\1`", with_code))
    return "".join(mark(part) if at % 2 == 0 else part for at, part in enumerate(parts)) + "\n"


MADE: Mapping[str, Callable[[], str]] = {"python": python, "command-line": command_line}
KEPT: Mapping[str, Callable[[], str]] = {"spec": spec, "fields": fields}


def kept_pages() -> dict[Path, str]:
    """The text of each page that is kept in the repository."""
    note = "<!-- Written by: python docs/reference.py -->\n"
    return {FOLDER / f"{name}.md": f"{note}{write().rstrip()}\n" for name, write in KEPT.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in kept_pages().items():
        file.write_text(text, encoding="utf-8")
