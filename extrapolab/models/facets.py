"""A lab's answers about the values that experiments have, and about what differs among them."""

from extrapolab.models.base import Record

Scalar = bool | int | float | str


class ValueCount(Record):
    """A value, and the number of experiments that have it."""

    value: Scalar
    count: int


class Facet(Record):
    """The values of one field among the matches of a filter, the most frequent first."""

    field: str
    values: tuple[ValueCount, ...]
    more: int = 0
    missing: int = 0


class VaryingPart(Record):
    """A part of the spec that differs; ``values`` is empty if they are many."""

    path: str
    meaning: str = ""
    symbol: str = ""
    unit: str = ""
    numeric: bool = False
    distinct: int
    missing: int = 0
    min: float | None = None
    max: float | None = None
    values: tuple[ValueCount, ...] = ()


class Varying(Record):
    """The parts of the spec that differ among ``sample`` of the matches of a filter."""

    items: tuple[VaryingPart, ...]
    sample: int
    of: int


class Suggestion(Record):
    """Text that can be typed at the cursor of a filter."""

    text: str
    kind: str
    meaning: str = ""
    count: int | None = None


class FilterMistake(Record):
    """The first mistake in a filter; ``length`` is 0 if something is missing at ``offset``."""

    message: str
    offset: int
    length: int


class Completion(Record):
    """Suggestions for the piece of a filter from ``start`` to ``end``, and its first mistake."""

    start: int
    end: int
    items: tuple[Suggestion, ...]
    problem: FilterMistake | None = None
