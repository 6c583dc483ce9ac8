"""The reference pages of the site, generated from the code while MkDocs builds it.

Python comes from mkdocstrings, the spec from its JSON Schema, HTTP from the OpenAPI document, and
commands from Typer.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from formulas import mark  # beside this hook
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

METHODS = ("get", "post", "patch", "put", "delete")
CLASSES = ("Lab", "Experiment", "Sweep", "Query", "Rows", "Figure", "Study", "AsyncLab")
"""The client's classes, in the order in which a reader needs them."""
BOUNDS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
TYPES = {"string": "text", "boolean": "true or false"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    for name, write in PAGES.items():
        files.append(File.generated(config, f"reference/{name}.md", content=write()))
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
        "Each command talks to the lab at `EXTRAPOLAB_URL`, or at `extrapolab --url URL ...`. With "
        "`--json` it prints one JSON document per item, for programs. Only a terminal gets "
        "colours; `NO_COLOR` turns them off.",
        "## Exit codes",
        *table(("code", "meaning"), ((f"{code:d}", code.meaning) for code in ExitCode)),
    ]
    for name, command in subcommands(get_command(app), ("extrapolab",)):
        parts += [f"## {name}", docstring_markdown(command.help or "")]
        rows = [
            (f"`{option_names(option)}`", (option.help or "").strip())
            for option in command.params
            if option.name != "help"
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


def http() -> str:
    """Every operation with its parameters and responses."""
    document = build(Settings(database_url="sqlite:///nothing.db")).openapi()
    parts = [
        "# HTTP",
        "The operations of a lab, from its OpenAPI document; a running lab shows it at "
        "`/docs/try`, with examples to try.",
        document["info"]["description"],
    ]
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                parts += operation_section(f"{method.upper()} {path}", operations[method])
    return "\n".join(parts)


def operation_section(name: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{name}`\n"
    yield f"{operation['summary']}.\n"
    yield operation.get("description", "") + "\n"
    parameters = [
        (
            f"`{parameter['name']}`",
            parameter["in"],
            type_in_words(parameter.get("schema", {})),
            parameter.get("description", ""),
        )
        for parameter in operation.get("parameters", ())
    ]
    if parameters:
        yield from table(("parameter", "in", "type", "meaning"), parameters)
    responses = operation["responses"].items()
    yield from table(
        ("status", "meaning"), ((status, response["description"]) for status, response in responses)
    )


def spec() -> str:
    """Every part of a spec and of a sweep, with its fields."""
    parts = [
        "# The spec",
        "An experiment as it is submitted, stored and trained: `POST /v1/experiments`, "
        "`lab.submit`, `extrapolab submit`. Unknown fields are refused. The teacher, the student's "
        "kind and dimension, and the training length are required; all other fields have defaults.",
    ]
    for model, title in ((ExperimentSpec, "An experiment"), (SweepSpec, "A sweep")):
        schema = model.model_json_schema()
        parts += [f"## {title}", *field_table(schema)]
        for name, definition in sorted(schema["$defs"].items()):
            heading = f"### {name}"
            if "properties" in definition and heading not in parts:
                description = docstring_markdown(definition.get("description", ""))
                parts += [heading, description, *field_table(definition)]
    return "\n".join(parts)


def field_table(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    rows = []
    for name, field in schema["properties"].items():
        default = f"`{json.dumps(field.get('default'), ensure_ascii=False)}`"
        rows.append(
            (
                f"`{name}`",
                type_in_words(field),
                "required" if name in required else default,
                mark(field.get("description", "")),
            )
        )
    return table(("field", "type", "default", "meaning"), rows)


def type_in_words(schema: Mapping[str, Any]) -> str:
    """The type and bounds of a JSON Schema in words, with links to the spec's parts."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if schema["$ref"].startswith("#/$defs") else name
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return " or ".join(dict.fromkeys(map(type_in_words, schema[keyword])))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    type_name = schema.get("type", "anything")
    if type_name == "array":
        return f"list of {type_in_words(schema.get('items', {}))}"
    limits = [f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
    return " ".join([TYPES.get(type_name, type_name), *limits])


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


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a Markdown table, with an empty line before and after."""
    names = [*header]
    yield ""
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        cells = [cell.replace("|", r"\|").replace("\n", " ") for cell in row]
        yield f"| {' | '.join(cells)} |"
    yield ""


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


PAGES: Mapping[str, Callable[[], str]] = {
    "python": python,
    "command-line": command_line,
    "http": http,
    "spec": spec,
    "fields": fields,
}
