"""A filter as a typed tree.

It holds no text of the question that wasn't understood, and knows no database.

Every condition is true or false, never unknown: what is missing or not finite fulfils no
comparison, so ``not`` is the exact opposite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from store.query.fields import Field, Scope


class Statistic(StrEnum):
    """What is said of a metric over all runs. A diverged run counts as +∞; NaN makes NaN of it."""

    MEDIAN = "median"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"


class Op(StrEnum):
    """A comparison."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True)
class Ago:
    """A time so many seconds before now."""

    seconds: float


@dataclass(frozen=True)
class At:
    """A time in Unix seconds."""

    seconds: float


@dataclass(frozen=True)
class Over:
    """A statistic of a metric over the runs of an experiment."""

    statistic: Statistic
    field: Field


@dataclass(frozen=True)
class Count:
    """How many runs fulfil a condition; without one, how many have ended."""

    condition: "Node | None"


Constant = float | int | str | bool | Ago | At
Term = Field | Over | Count | Constant
"""What is compared."""


@dataclass(frozen=True)
class And:
    """All of them."""

    parts: Sequence["Node"]


@dataclass(frozen=True)
class Or:
    """Any of them."""

    parts: Sequence["Node"]


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: "Node"


@dataclass(frozen=True)
class Comparison:
    """``left op right``, both present and finite."""

    left: Term
    op: Op
    right: Term


@dataclass(frozen=True)
class Contains:
    """The field has the text in it, capital or small (of ASCII's letters)."""

    field: Field
    text: str


@dataclass(frozen=True)
class OneOf:
    """The term is one of these."""

    term: Term
    constants: Sequence[Constant]


@dataclass(frozen=True)
class Missing:
    """There is no value; of a metric or statistic: none, not even one that isn't finite."""

    term: Term


class Odd(StrEnum):
    """What a number of a run may be instead of finite."""

    NAN = "is_nan"
    INFINITE = "is_infinite"


@dataclass(frozen=True)
class NotFinite:
    """A metric of a run is NaN, or infinite."""

    field: Field
    odd: Odd


@dataclass(frozen=True)
class Some:
    """A run, tag or sweep of the experiment fulfils the condition, which is about that one alone."""

    scope: Scope
    condition: "Node"


@dataclass(frozen=True)
class Every:
    """There are runs, and each of them fulfils the condition."""

    condition: "Node"


Node = And | Or | Not | Comparison | Contains | OneOf | Missing | NotFinite | Some | Every

EVERYTHING = And(())
"""No condition at all."""
