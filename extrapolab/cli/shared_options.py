"""Options that all commands share: they work before the command and after it."""

from copy import copy
from typing import Any

import typer

AS_JSON = "extrapolab.cli.as_json"
"""The key in a context's ``meta`` of whether ``--json`` was given before the command."""


def keep_url(context: typer.Context, url: str) -> str:
    """Keeps the URL for the command, and for completing its ids."""
    context.obj = url
    return url


def keep_as_json(context: typer.Context, as_json: bool) -> bool:
    """Keeps ``--json`` for the command, if it was given before it."""
    as_json = as_json or bool(context.meta.get(AS_JSON))
    context.meta[AS_JSON] = as_json
    return as_json


def share_options(command: Any, options: list[Any]) -> None:
    """Gives the program's options to a command; a group has ``--json`` for its commands."""
    inner = getattr(command, "commands", {})
    own = {flag for parameter in command.params for flag in parameter.opts}
    command.params += [
        _after_the_command(option)
        for option in options
        if own.isdisjoint(option.opts) and (inner or option.name == "url")
    ]
    for inner_command in inner.values():
        share_options(inner_command, options)


def prints_json(command: Any) -> bool:
    """Whether a command, or each one in it, has ``--json``."""
    inner = getattr(command, "commands", {})
    return bool(inner) or any("--json" in option.opts for option in command.params)


def _after_the_command(option: Any) -> Any:
    """A copy of an option that counts only where it is given, not by its default."""
    shared = copy(option)
    shared.expose_value = False

    def keep_if_given(context: typer.Context, own: Any, value: Any) -> None:
        source = context.get_parameter_source(own.name)
        if source is not None and source.name == "COMMANDLINE":
            option.callback(context, own, value)

    shared.callback = keep_if_given
    return shared
