"""What can be asked about: every name of the filter language, with its type.

Nothing else reaches the database.

Names of the spec are its paths, ``student.start.scale``, read off the models; a kind that lacks one
has nothing there.
"""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from core.result import METRICS, Outcome
from core.spec import METADATA, ExperimentSpec
from store.records import ELSEWHERE, FailureKind, Source
from store.states import State


class Kind(StrEnum):
    """What a field's values are."""

    REAL = "real"
    WHOLE = "whole"
    TEXT = "text"
    TIME = "time"
    FLAG = "flag"

    @property
    def is_number(self) -> bool:
        """Whether they are compared as numbers."""
        return self in {Kind.REAL, Kind.WHOLE}


class Scope(StrEnum):
    """Of what an experiment has a value: of itself one; several of its runs, tags and sweeps."""

    EXPERIMENT = "experiment"
    RUN = "run"
    TAG = "tag"
    SWEEP = "sweep"


@dataclass(frozen=True)
class Field:
    """A name of the language.

    Attributes:
        name: As it is written.
        kind: What its values are.
        scope: Of what an experiment has one.
        meaning: In words.
        choices: All values that there are, where they are few; none where they are many.
        path: Where the spec has it; none where it is no part of the spec.
    """

    name: str
    kind: Kind
    scope: Scope
    meaning: str
    choices: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

    @property
    def is_metric(self) -> bool:
        """Whether it is a number that a run ended with."""
        return self.name in METRICS


_OWN = (
    Field("id", Kind.TEXT, Scope.EXPERIMENT, "id"),
    Field("name", Kind.TEXT, Scope.EXPERIMENT, "what it is called"),
    Field("notes", Kind.TEXT, Scope.EXPERIMENT, "what was written about it"),
    Field("owner", Kind.TEXT, Scope.EXPERIMENT, "who submitted it"),
    Field("state", Kind.TEXT, Scope.EXPERIMENT, "where it is", tuple(State)),
    Field("failure", Kind.TEXT, Scope.EXPERIMENT, "why it failed, in a word", tuple(FailureKind)),
    Field("spec_hash", Kind.TEXT, Scope.EXPERIMENT, "hash of the spec"),
    Field("setup_hash", Kind.TEXT, Scope.EXPERIMENT, "hash of the spec without its seeds"),
    Field(
        "device",
        Kind.TEXT,
        Scope.EXPERIMENT,
        "device: auto until it is claimed",
        ("auto", "cpu", "cuda", ELSEWHERE),
    ),
    Field("source", Kind.TEXT, Scope.EXPERIMENT, "where its numbers are from", tuple(Source)),
    Field("priority", Kind.WHOLE, Scope.EXPERIMENT, "higher is claimed first"),
    Field("attempts", Kind.WHOLE, Scope.EXPERIMENT, "how often a worker has claimed it"),
    Field("seeds", Kind.WHOLE, Scope.EXPERIMENT, "how many seeds it has"),
    Field("step", Kind.WHOLE, Scope.EXPERIMENT, "how far it has come"),
    Field("created", Kind.TIME, Scope.EXPERIMENT, "when it was submitted"),
    Field("started", Kind.TIME, Scope.EXPERIMENT, "when it was claimed first"),
    Field("finished", Kind.TIME, Scope.EXPERIMENT, "when it ended"),
    Field("tag", Kind.TEXT, Scope.TAG, "its tags"),
    Field("sweep", Kind.TEXT, Scope.SWEEP, "ids of the sweeps that it is in"),
    Field("seed", Kind.WHOLE, Scope.RUN, "seed of a run"),
    Field("outcome", Kind.TEXT, Scope.RUN, "how a run ended", tuple(Outcome)),
    Field("steps", Kind.WHOLE, Scope.RUN, "steps that a run took"),
    *(Field(name, Kind.REAL, Scope.RUN, meaning) for name, meaning in METRICS.items()),
)


def _of_the_spec(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Field]:
    """The single values of a model, and of all models in it; lists and matrices are not asked about."""
    for name, info in model.model_fields.items():
        if not path and (name in METADATA or name == "seeds"):
            continue
        inner = (*path, name)
        for part in _members(info.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _of_the_spec(part, inner)
            elif (kind := _kind(part)) is not None:
                choices = tuple(map(str, typing.get_args(part)))
                yield Field(".".join(inner), kind, Scope.EXPERIMENT, "of the spec", choices, inner)


def _members(annotation: Any) -> Iterator[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif origin in {typing.Union, types.UnionType}:
        for member in typing.get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _kind(annotation: Any) -> Kind | None:
    if typing.get_origin(annotation) is typing.Literal:
        return Kind.TEXT
    if not isinstance(annotation, type) or issubclass(annotation, Enum):
        return None
    return {bool: Kind.FLAG, int: Kind.WHOLE, float: Kind.REAL, str: Kind.TEXT}.get(annotation)


def _united() -> Mapping[str, Field]:
    """All fields by name; a path that several kinds of a part have is one field, with the choices of all of them."""
    found = {field.name: field for field in _OWN}
    for field in _of_the_spec(ExperimentSpec):
        known = found.setdefault(field.name, field)
        if known.kind is not field.kind:
            raise TypeError(
                f"{field.name} is {known.kind} in one part of the spec and {field.kind} in another"
            )
        choices = tuple(dict.fromkeys((*known.choices, *field.choices)))
        found[field.name] = Field(
            field.name, field.kind, known.scope, known.meaning, choices, known.path
        )
    return MappingProxyType(found)


FIELDS = _united()
"""Every field by its name."""
