"""The abstract syntax tree of a filter: typed, checked and independent of any database.

Every condition is true or false, never unknown: a missing or non-finite value satisfies no
comparison. So ``not`` is the exact opposite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from store.query.fields import Field, Scope


class Statistic(StrEnum):
    """A statistic of a metric over all runs: a diverged run counts as +∞, and NaN gives NaN."""

    MEDIAN = "median"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"


class Op(StrEnum):
    """A comparison operator."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True)
class Ago:
    """A time, in seconds before now."""

    seconds: float


@dataclass(frozen=True)
class At:
    """A time, in Unix seconds."""

    seconds: float


@dataclass(frozen=True)
class Aggregate:
    """A statistic of a metric over the runs of an experiment."""

    statistic: Statistic
    field: Field


@dataclass(frozen=True)
class Count:
    """The number of runs that satisfy a condition, or of all ended runs without one."""

    condition: "Node | None"


Constant = float | int | str | bool | Ago | At
Term = Field | Aggregate | Count | Constant
"""An operand of a comparison."""


@dataclass(frozen=True)
class And:
    """True if all parts are."""

    parts: Sequence["Node"]


@dataclass(frozen=True)
class Or:
    """True if any part is."""

    parts: Sequence["Node"]


@dataclass(frozen=True)
class Not:
    """True if its part is false."""

    part: "Node"


@dataclass(frozen=True)
class Comparison:
    """``left op right``; false unless both are present and finite."""

    left: Term
    op: Op
    right: Term


@dataclass(frozen=True)
class Contains:
    """The field contains the text, ignoring the case of ASCII letters."""

    field: Field
    text: str


@dataclass(frozen=True)
class OneOf:
    """The term equals one of the constants."""

    term: Term
    constants: Sequence[Constant]


@dataclass(frozen=True)
class Missing:
    """The term has no value, not even a non-finite one if it is a metric or statistic."""

    term: Term


class NonFinite(StrEnum):
    """The kinds of non-finite numbers, named by the functions that test for them."""

    NAN = "is_nan"
    INFINITE = "is_infinite"


@dataclass(frozen=True)
class IsNonFinite:
    """A metric of a run is NaN, or infinite."""

    field: Field
    kind: NonFinite


@dataclass(frozen=True)
class Exists:
    """At least one run, tag or sweep of the experiment satisfies the condition."""

    scope: Scope
    condition: "Node"


@dataclass(frozen=True)
class AllRuns:
    """The experiment has ended runs, and each satisfies the condition."""

    condition: "Node"


Node = And | Or | Not | Comparison | Contains | OneOf | Missing | IsNonFinite | Exists | AllRuns

EVERYTHING = And(())
"""The filter that matches all experiments."""
