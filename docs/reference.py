"""The reference of the site, made of the code while MkDocs builds it: nothing on these pages is written by hand.

Python is read by mkdocstrings, the spec from its JSON Schema, HTTP from the OpenAPI document,
commands from Typer.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.main import get_command

import extrapolab
from core.spec import ExperimentSpec, SweepSpec
from extrapolab import errors
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode
from service.app import build
from service.settings import Settings
from store.query.fields import FIELDS

VERBS = ("get", "post", "patch", "put", "delete")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    for name, write in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=write()))
    return files


def python() -> str:
    """The public names of the client, in the order in which one meets them, and the door to the science."""
    handles = ["Lab", "Experiment", "Sweep", "Query", "Rows", "Figure", "Study", "AsyncLab"]
    lent = [name for name in extrapolab.__all__ if name.startswith("Async") and name not in handles]
    parts = [
        "# Python",
        "What `import extrapolab` offers. It talks to a lab over HTTP; `core.run.run` needs none, and computes here.",
        *(f"::: extrapolab.{name}\n    options: {{inherited_members: true}}" for name in handles),
        "\n".join(
            f"- `{name}` has the calls of `{name.removeprefix('Async')}`, to be awaited."
            for name in lent
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
        "Each command talks to the lab at `EXTRAPOLAB_URL`, or at `extrapolab --url URL ...`. With `--json` it prints "
        "JSON for programs, one document per thing; colour is for terminals only, and `NO_COLOR` takes it away there.",
        "## Exit codes",
        *_table(("code", "means"), ((f"{code:d}", code.meaning) for code in ExitCode)),
    ]
    for name, command in _commands(get_command(app), ("extrapolab",)):
        parts += [f"## {name}", _docstring(command.help or "")]
        options = [option for option in command.params if option.name != "help"]
        rows = [(f"`{_written(option)}`", (option.help or "").strip()) for option in options]
        parts += _table(("argument or option", "means"), rows) if rows else []
    return "\n".join(parts)


def _written(option: Any) -> str:
    return (
        " / ".join(option.opts)
        if option.param_type_name == "option"
        else option.metavar or option.name.upper()
    )


def _commands(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in sorted(group.list_commands(None)):
        command = group.get_command(None, name)
        yield " ".join((*words, name)), command
        if hasattr(command, "list_commands"):
            yield from _commands(command, (*words, name))


def http() -> str:
    """Every call with its parameters and answers."""
    document = build(Settings(database_url="sqlite:///nothing.db")).openapi()
    parts = [
        "# HTTP",
        "What a lab answers, from its OpenAPI document; a running lab shows it at `/docs`, with examples to try.",
        document["info"]["description"],
    ]
    for path, calls in document["paths"].items():
        for verb in VERBS:
            if verb in calls:
                parts += _call(f"{verb.upper()} {path}", calls[verb])
    return "\n".join(parts)


def _call(name: str, call: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{name}`\n"
    yield (call.get("description") or call.get("summary", "")) + "\n"
    rows = [
        (
            f"`{given['name']}`",
            given["in"],
            _shape(given.get("schema", {})),
            given.get("description", ""),
        )
        for given in call.get("parameters", ())
    ]
    yield from _table(("parameter", "in", "is", "means"), rows) if rows else ()
    yield from _table(
        ("answer", "means"), ((code, a["description"]) for code, a in call["responses"].items())
    )


def spec() -> str:
    """Every part of a spec and of a sweep, with its fields."""
    parts = [
        "# The spec",
        "What is sent, stored and trained: `POST /v1/experiments`, `lab.submit`, `extrapolab submit`. Unknown fields "
        "are refused. All but the teacher, the student's kind and dimension, and the training length has a default.",
    ]
    for model, title in ((ExperimentSpec, "An experiment"), (SweepSpec, "A sweep")):
        schema = model.model_json_schema()
        parts += [f"## {title}", *_fields(schema)]
        known = schema["$defs"]
        shown = [
            name for name in known if "properties" in known[name] and f"### {name}" not in parts
        ]
        for name in sorted(shown):
            parts += [
                f"### {name}",
                _docstring(known[name].get("description", "")),
                *_fields(known[name]),
            ]
    return "\n".join(parts)


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    rows = [
        (
            f"`{name}`",
            _shape(of),
            "required"
            if name in required
            else f"`{json.dumps(of.get('default'), ensure_ascii=False)}`",
            of.get("description", ""),
        )
        for name, of in schema["properties"].items()
    ]
    return _table(("field", "is", "default", "means"), rows)


def _shape(schema: Mapping[str, Any]) -> str:
    """A type in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if schema["$ref"].startswith("#/$defs") else name
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(map(_shape, schema[several])))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        inner = _shape(schema["items"]) if "items" in schema else "anything"
        return f"list of {inner}"
    bounds = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]:g}" for key, sign in bounds.items() if key in schema]
    words = {
        "integer": "whole",
        "string": "text",
        "boolean": "true or false",
        "null": "null",
        "object": "object",
    }
    return " ".join([words.get(kind, kind), *limits])


def fields() -> str:
    """Every name that a filter can ask about."""
    rows = [
        (
            f"`{f.name}`",
            f.kind.value,
            f.scope.value,
            ", ".join(f"`{c}`" for c in f.choices) or f.meaning,
        )
        for f in FIELDS.values()
    ]
    return "\n".join(
        [
            "# What filters can ask about",
            "The names of [the filter language](../query.md). An experiment has one value of those *of* an experiment; "
            "of the others it has one for each run, tag or sweep.",
            *_table(("name", "kind", "of", "means, or is one of"), rows),
        ]
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = [*head]
    yield ""
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |"
    yield ""


def _docstring(text: str) -> str:
    """A docstring as Markdown: examples are code."""
    lines = inspect.cleandoc(text).replace("\b", "")
    code = re.sub(
        r"(?m)^Example:\n((?: {4}.*\n?|\n)+)",
        lambda found: f"```pycon\n{inspect.cleandoc(found[1])}\n```\n",
        lines,
    )
    return re.sub(r"``([^`\n]+)``", r"`\1`", code) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "python": python,
    "command-line": command_line,
    "http": http,
    "spec": spec,
    "fields": fields,
}
