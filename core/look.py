"""The look of a figure: everything about how it is drawn, and nothing about what it shows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from core.spec.part import Line, Part

Format = Literal["svg", "png", "pdf"]
Style = Literal["screen", "paper", "talk"]
Legend = Literal["auto", "inside", "outside", "none"]
ColourMap = Literal["viridis", "cividis", "magma", "gray", "RdBu", "PuOr"]

DIVERGING = frozenset({"RdBu", "PuOr"})
"""Colour maps whose middle is the threshold of a metric."""

WIDTHS: Mapping[str, float] = MappingProxyType(
    {
        "neurips": 5.5,
        "neurips-half": 2.7,
        "iclr": 5.5,
        "iclr-half": 2.7,
        "ieee": 3.5,
        "ieee-two": 7.16,
    }
)
"""Widths of text in inches: one column, two columns, or half of a column, as venues set them.

Sources: neurips.sty and iclr2026_conference.sty (text of 5.5 in), and IEEEtran.cls (columns of
3.5 in, 7.16 in with the gap between them).
"""

NONE = "none"
"""The title or footer of a figure without one."""

SMALLEST_SIDE, LARGEST_SIDE = 1.5, 20
"""Limits on width and height in inches."""

LARGEST_LIMIT = 1e100
"""Largest limit of an axis, up or down."""


def _number_if_numeric(given: object) -> object:
    """A number written as text, as in a query string, becomes one."""
    if isinstance(given, str):
        try:
            return float(given)
        except ValueError:
            return given
    return given


def _width(given: object) -> object:
    """A number of inches, or the name of a venue."""
    number = _number_if_numeric(given)
    if given is None or (isinstance(given, str) and given in WIDTHS):
        return given
    if not isinstance(number, float | int) or not SMALLEST_SIDE <= number <= LARGEST_SIDE:
        raise PydanticCustomError(
            "width",
            "should be {low} to {high} inches, or one of {names}",
            {"low": SMALLEST_SIDE, "high": LARGEST_SIDE, "names": ", ".join(WIDTHS)},
        )
    return number


def _limits(given: object) -> object:
    """Two rising numbers, also as ``"1,100"``, as in a query string."""
    if given is None:
        return None
    parts = [given] if isinstance(given, str) else given
    if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
        parts = [_number_if_numeric(part) for part in ",".join(parts).split(",")]
    match parts:
        case [float() | int() as low, float() | int() as high] if (
            -LARGEST_LIMIT <= low < high <= LARGEST_LIMIT
        ):
            return low, high
    raise PydanticCustomError("limits", "should be two numbers, the lower one first, such as 1,100")


Side = Annotated[
    float,
    BeforeValidator(_number_if_numeric),
    Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE, allow_inf_nan=False),
]
Limits = Annotated[tuple[float, float] | None, BeforeValidator(_limits)]
WidthName = Literal["neurips", "neurips-half", "iclr", "iclr-half", "ieee", "ieee-two"]


def _part(default: Any, description: str) -> Any:
    """A part of a look, left out of JSON where it has its default."""
    return Field(default, description=description, exclude_if=lambda value: value == default)


class Look(Part):
    """How a figure is drawn. A part that is None follows the style.

    Example:
        >>> look = Look(style="paper", width="ieee")
        >>> look.inches, look.points, look.has_title
        (3.5, 8.0, False)
    """

    style: Style = _part(
        "screen", "`paper`: for print, without title and footer, text as text. `talk`: large."
    )
    width: Annotated[float | WidthName | None, BeforeValidator(_width)] = _part(
        None, f"Width in inches, or that of a venue: {', '.join(WIDTHS)}."
    )
    height: Side | None = _part(None, "Height in inches.")
    font_size: Annotated[float, BeforeValidator(_number_if_numeric), Field(ge=4, le=48)] | None = (
        _part(None, "Size of the text in points.")
    )
    title: Annotated[Line, Field(max_length=400)] | None = _part(
        None, f"The title; `{NONE}` leaves it out."
    )
    footer: Literal["source", "none"] | None = _part(
        None, "`source`: where the numbers come from, in small print."
    )
    xlim: Limits = _part(None, "Limits of the x-axis, such as `1,100`.")
    ylim: Limits = _part(None, "Limits of the y-axis.")
    cmap: ColourMap = _part(
        "viridis",
        "Colours of a heat map; `RdBu` and `PuOr` diverge from the metric's threshold.",
    )
    legend: Legend = _part("auto", "`auto`: inside where no line is, else outside the axes.")

    @property
    def inches(self) -> float | None:
        """The width in inches; None if it depends on the figure."""
        if isinstance(self.width, str):
            return WIDTHS[self.width]
        if self.width is None and self.style == "paper":
            return WIDTHS["neurips"]
        return self.width

    @property
    def points(self) -> float:
        """The size of the text in points."""
        return self.font_size or {"screen": 9.0, "paper": 8.0, "talk": 16.0}[self.style]

    @property
    def has_title(self) -> bool:
        """Whether the figure has a title."""
        return self.style != "paper" if self.title is None else self.title not in ("", NONE)

    @property
    def has_footer(self) -> bool:
        """Whether the figure says where its numbers come from."""
        return self.style == "screen" if self.footer is None else self.footer != NONE

    @property
    def key(self) -> str:
        """A text that is the same for equal looks."""
        return self.model_dump_json(include=set(Look.model_fields))

    def merged(self, other: "Look") -> "Look":
        """This look with the parts that are set in ``other``."""
        return Look.model_validate(
            {
                name: getattr(other if name in other.model_fields_set else self, name)
                for name in Look.model_fields
            }
        )


SCREEN = Look()
"""The default look."""
