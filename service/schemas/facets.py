"""Schemas of counted values, of what differs among experiments, and of completed filters."""

from typing import Self

from pydantic import Field

from core.symbols import quantity
from service.schemas.base import Answer
from store.query import completion, expectation, facets, varying

_ONE_PAGE = "Always null: there is one page."


class ValueCount(Answer):
    """A value of a field, and the number of experiments that have it."""

    value: bool | int | float | str
    count: int


class FieldValues(Answer):
    """Values of a field among the matches of a filter."""

    items: list[ValueCount] = Field(description="The most frequent values.")
    more: int = Field(description="Number of different values that are left out.")
    missing: int = Field(description="Number of matches without a value; 0 with a `prefix`.")
    next: None = Field(None, description=_ONE_PAGE)

    @classmethod
    def from_record(cls, facet: facets.Facet) -> Self:
        """The answer for a facet."""
        values = [ValueCount.model_validate(value) for value in facet.values]
        return cls(items=values, more=facet.more, missing=facet.missing)


class Facet(Answer):
    """The values of one field among the matches of a filter."""

    field: str
    values: list[ValueCount] = Field(
        description="The most frequent values. An experiment counts once for each different value "
        "of its runs, tags or sweeps."
    )
    more: int = Field(description="Number of different values that are left out.")
    missing: int = Field(description="Number of matches without a value.")


class Facets(Answer):
    """The number of matches of a filter, and the values of some fields among them."""

    count: int
    items: list[Facet]
    next: None = Field(None, description=_ONE_PAGE)

    @classmethod
    def from_record(cls, counted: facets.Facets) -> Self:
        """The answer for counted facets."""
        items = [
            Facet(
                field=facet.field.name,
                values=[ValueCount.model_validate(value) for value in facet.values],
                more=facet.more,
                missing=facet.missing,
            )
            for facet in counted.facets
        ]
        return cls(count=counted.count, items=items)


class VaryingPart(Answer):
    """A part of the spec with more than one value, where no value is one as well."""

    path: str
    meaning: str
    symbol: str = Field(description="Its symbol in figures; empty if it has none.")
    unit: str = Field(description="Its unit; empty if it has none.")
    numeric: bool = Field(description="Whether all values are numbers.")
    distinct: int = Field(description="Number of different values.")
    missing: int = Field(description="Number of compared experiments without a value.")
    min: int | float | None = Field(description="The smallest number; null if not `numeric`.")
    max: int | float | None = Field(description="The largest number; null if not `numeric`.")
    values: list[ValueCount] = Field(
        description=f"The values, if they are at most {varying.MAX_VALUES} short ones: numbers in "
        "ascending order, others the most frequent first; lists as JSON. Otherwise empty."
    )


class Varying(Answer):
    """The parts of the spec that differ among the matches of a filter."""

    items: list[VaryingPart] = Field(
        description="Those that the fewest experiments lack first, then in the order of the spec."
    )
    sample: int = Field(
        description=f"Number of experiments that were compared: all, or {varying.SAMPLE} of them "
        "evenly from the newest to the oldest."
    )
    of: int = Field(description="Number of matches.")
    next: None = Field(None, description=_ONE_PAGE)

    @classmethod
    def from_record(cls, differing: varying.Varying) -> Self:
        """The answer for what differs."""
        items = [
            VaryingPart(
                path=part.path,
                meaning=quantity(part.path).words,
                symbol=quantity(part.path).symbol,
                unit=quantity(part.path).unit,
                numeric=part.is_numeric,
                distinct=part.distinct,
                missing=part.missing,
                min=part.low,
                max=part.high,
                values=[ValueCount.model_validate(value) for value in part.values],
            )
            for part in differing.parts
        ]
        return cls(items=items, sample=differing.sample, of=differing.of)


class Suggestion(Answer):
    """Text that can be typed at the cursor."""

    text: str = Field(description="What replaces the piece from `start` to `end`.")
    kind: completion.SuggestionKind
    meaning: str = Field(description="Its meaning; empty if the text says it.")
    count: int | None = Field(
        description=f"For a value, how many of the newest {completion.NEWEST} experiments have it."
    )


class FilterMistake(Answer):
    """The first mistake in a filter."""

    message: str
    offset: int = Field(description="Where it starts, in characters.")
    length: int = Field(description="Its length; 0 if something is missing there.")

    @classmethod
    def from_record(cls, mistake: expectation.Mistake) -> Self:
        """The answer for a mistake."""
        return cls.model_validate(mistake)


class Completion(Answer):
    """Suggestions for the cursor of a filter box, and the filter's first mistake."""

    start: int = Field(description="Offset of the piece that is replaced, in characters.")
    end: int = Field(description="Offset of its end.")
    items: list[Suggestion] = Field(description="The best first.")
    problem: FilterMistake | None = Field(description="Null if the filter is valid, or empty.")
    next: None = Field(None, description=_ONE_PAGE)

    @classmethod
    def from_record(cls, completed: completion.Completion) -> Self:
        """The answer for a completion."""
        mistake = completed.mistake
        return cls(
            start=completed.start,
            end=completed.end,
            items=[Suggestion.model_validate(item) for item in completed.suggestions],
            problem=None if mistake is None else FilterMistake.from_record(mistake),
        )
