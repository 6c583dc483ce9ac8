"""The options of commands that draw, declared once and sent to the lab as query parameters."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Literal

import typer

_PANEL = "Figure"


@dataclass(frozen=True)
class FigureOption:
    """An option of a figure.

    Attributes:
        name: Its query parameter.
        hint: Its type and flag, as typer takes them.
    """

    name: str
    hint: Any


def _option(name: str, annotation: Any, description: str, **attributes: Any) -> FigureOption:
    flag = f"--{name.replace('_', '-')}"
    hint = typer.Option(flag, help=description, rich_help_panel=_PANEL, **attributes)
    return FigureOption(name, Annotated[annotation | None, hint])


STYLE = (
    _option(
        "style",
        Literal["screen", "paper", "talk"],
        "paper: for print, without title and footer, with the caption in a .txt beside it. "
        "talk: large.",
    ),
    _option(
        "width",
        str,
        "Width in inches, or of a venue: neurips, iclr, ieee; neurips-half, iclr-half, ieee-two.",
        metavar="INCHES",
    ),
    _option("height", float, "Height in inches.", metavar="INCHES"),
    _option("font_size", float, "Size of the text.", metavar="POINTS"),
    _option("title", str, "The title; none leaves it out.", metavar="TEXT"),
    _option("footer", Literal["source", "none"], "Where the numbers come from, in small print."),
    _option("xlim", str, "Limits of the x-axis, such as 1,100.", metavar="LOW,HIGH"),
    _option("ylim", str, "Limits of the y-axis.", metavar="LOW,HIGH"),
    _option(
        "cmap",
        Literal["viridis", "cividis", "magma", "gray", "RdBu", "PuOr"],
        "Colours of a heat map: viridis, cividis, magma or gray; RdBu and PuOr diverge from the "
        "metric's threshold.",
        metavar="COLOURS",
    ),
    _option(
        "legend",
        Literal["auto", "inside", "outside", "none"],
        "Where the legend lies. auto: inside where no line is, else outside.",
    ),
)
"""Options of every figure."""

VIEW = (
    FigureOption(
        "x",
        Annotated[
            Literal["step", "time"] | None,
            typer.Option(
                "--x",
                help="Draw curves of the training over steps or training time. Default: time for "
                "gradient flow and comparisons with it, else step.",
                rich_help_panel=_PANEL,
            ),
        ],
    ),
    FigureOption(
        "output",
        Annotated[
            int | None,
            typer.Option(
                "--out-channel",
                min=1,
                metavar="N",
                help="The output to draw, from 1.",
                rich_help_panel=_PANEL,
            ),
        ],
    ),
    FigureOption(
        "input",
        Annotated[
            int | None,
            typer.Option(
                "--in-channel",
                min=1,
                metavar="N",
                help="The input to draw, from 1.",
                rich_help_panel=_PANEL,
            ),
        ],
    ),
)
"""Options of figures of one experiment, or of a few."""


def draws(*options: FigureOption) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command options of figures; those that are used reach it as a dict ``options``."""
    declared = {f"figure_{option.name}": option for option in options}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(**arguments: Any) -> None:
            given = {option.name: arguments.pop(name) for name, option in declared.items()}
            used = {name: value for name, value in given.items() if value is not None}
            command(**arguments, options=used)

        own = inspect.signature(command).parameters.values()
        parameters = [
            *(parameter for parameter in own if parameter.name != "options"),
            *(
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option.hint
                )
                for name, option in declared.items()
            ),
        ]
        hints = {parameter.name: parameter.annotation for parameter in parameters}
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        with_options.__annotations__ = hints
        return with_options

    return decorate
