"""Writes docs/settings.md, the table of all ``EXTRAPOLAB_*`` settings, from the code.

``python docs/settings.py`` rewrites the page; a test fails while it differs from the code.
"""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from annotated_types import Ge, Gt
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings
from typer.main import get_command

from extrapolab.cli.app import app
from lab.settings import LabSettings
from service.settings import Settings as ServiceSettings
from store.settings import Settings as StoreSettings
from worker.settings import WorkerSettings

PAGE = Path(__file__).with_suffix(".md")
CLASSES = (StoreSettings, ServiceSettings, WorkerSettings, LabSettings)
USER = "Your name, stored as the owner of what you submit; by default `anonymous`"

INTRODUCTION = """\
<!-- Written by docs/settings.py from the code; run it after a change. -->

# Settings

Processes of a lab read environment variables when they start. An invalid value stops them with a
message that names the variable. `extrapolab up` passes its environment on to API and workers, with
the addresses of its own database and Redis."""


def page() -> str:
    """The whole page."""
    sections = [section(kind) for kind in CLASSES]
    return "\n\n".join([INTRODUCTION, *sections, command_line_section()]) + "\n"


def section(kind: type[BaseSettings]) -> str:
    """The settings that a class adds to those of its base class."""
    inherited = {name for base in kind.__bases__ for name in getattr(base, "model_fields", {})}
    rows = [
        (
            name.upper(),
            allowed_values(field),
            default_value(field),
            str(field.description).rstrip("."),
        )
        for name, field in kind.model_fields.items()
        if name not in inherited
    ]
    return f"## {kind.processes}\n\n{table(('Variable', 'Allowed', 'Default', 'Meaning'), rows)}"


def command_line_section() -> str:
    """Variables that stand for options of the command line, and the user's name."""
    options: dict[str, list[tuple[Any, str]]] = {}
    for option, command in options_with_variables(get_command(app)):
        options.setdefault(option.envvar, []).append((option, command))
    rows = [
        (
            name.removeprefix("EXTRAPOLAB_"),
            f"`{uses[0][0].opts[0]}` of {', '.join(f'`{command}`' for _, command in uses)}",
            uses[0][0].help.rstrip("."),
        )
        for name, uses in sorted(options.items())
    ]
    rows.append(("USER", "", USER))
    return f"## Command line and client\n\n{table(('Variable', 'Same as', 'Meaning'), rows)}"


def options_with_variables(
    command: Any, path: tuple[str, ...] = ("extrapolab",)
) -> Iterator[tuple[Any, str]]:
    """Every option with an environment variable, and the command that it belongs to."""
    for option in command.params:
        if option.envvar and option.expose_value:  # not again at each command
            yield option, " ".join(path[1:] or path)
    if hasattr(command, "list_commands"):
        for name in sorted(command.list_commands(None)):
            yield from options_with_variables(command.get_command(None, name), (*path, name))


def allowed_values(field: FieldInfo) -> str:
    """Allowed values in words."""
    kinds = list(get_args(field.annotation) or (field.annotation,))
    bounds = [f"> {limit.gt:g}" for limit in field.metadata if isinstance(limit, Gt)]
    bounds += [f"≥ {limit.ge:g}" for limit in field.metadata if isinstance(limit, Ge)]
    if all(isinstance(kind, str) for kind in kinds):
        return ", ".join(f"`{kind}`" for kind in kinds)
    (kind,) = (kind for kind in kinds if kind is not NoneType)
    words = {bool: "`true` or `false`", int: "integer", float: "number", str: "text", Path: "path"}
    return " ".join([words[kind], *bounds])


def default_value(field: FieldInfo) -> str:
    """The default as a user would write it; nothing if the variable has none."""
    if field.default in {None, ""}:
        return ""
    if isinstance(field.default, bool):
        return f"`{field.default}`".lower()
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


def table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A Markdown table; the first cell of each row is the name of a variable."""
    lines = [header, tuple("---" for _ in header)]
    lines += [(f"`EXTRAPOLAB_{name}`", *cells) for name, *cells in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
