"""The fields of the filter language, each with its type: the only names that reach the database.

Fields of the spec are named by their paths, such as ``student.start.scale``, read off the models.
They are missing from experiments whose kind of teacher, student or optimizer lacks them.
"""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from core.result import METRICS, Outcome
from core.spec import METADATA, ExperimentSpec
from core.symbols import QUANTITIES, quantity
from store.records import ELSEWHERE, FailureKind, Source
from store.states import State


class Kind(StrEnum):
    """The type of a field's values."""

    REAL = "real"
    WHOLE = "whole"
    TEXT = "text"
    TIME = "time"
    FLAG = "flag"

    @property
    def is_number(self) -> bool:
        """Whether values compare as numbers."""
        return self in {Kind.REAL, Kind.WHOLE}

    @property
    def noun(self) -> str:
        """The kind with its article, as messages name it."""
        return _NOUNS[self]


_NOUNS = {
    Kind.REAL: "a number",
    Kind.WHOLE: "an integer",
    Kind.TEXT: "text",
    Kind.TIME: "a time",
    Kind.FLAG: "true or false",
}


class Scope(StrEnum):
    """The owner of a value: an experiment, or one of its runs, tags or sweeps."""

    EXPERIMENT = "experiment"
    RUN = "run"
    TAG = "tag"
    SWEEP = "sweep"


@dataclass(frozen=True)
class Field:
    """A name of the filter language.

    Attributes:
        name: The name as written.
        kind: The type of its values.
        scope: The owner of each value.
        meaning: A short description.
        choices: All possible values, or empty if there are too many to list.
        path: The path in the spec, or empty if the field is not part of the spec.
    """

    name: str
    kind: Kind
    scope: Scope
    meaning: str
    choices: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

    @property
    def symbol(self) -> str:
        """Its symbol, such as ``k``; empty if it has none."""
        return quantity(self.name).symbol

    @property
    def unit(self) -> str:
        """Its unit; empty if it has none."""
        return quantity(self.name).unit

    @property
    def is_metric(self) -> bool:
        """Whether it is a final metric of a run."""
        return self.name in METRICS


_RECORD_FIELDS = (
    Field("id", Kind.TEXT, Scope.EXPERIMENT, "id of the experiment"),
    Field("name", Kind.TEXT, Scope.EXPERIMENT, "name in its spec"),
    Field("notes", Kind.TEXT, Scope.EXPERIMENT, "notes in its spec"),
    Field("owner", Kind.TEXT, Scope.EXPERIMENT, "who submitted it"),
    Field("state", Kind.TEXT, Scope.EXPERIMENT, "state", tuple(State)),
    Field("failure", Kind.TEXT, Scope.EXPERIMENT, "kind of failure", tuple(FailureKind)),
    Field("spec_hash", Kind.TEXT, Scope.EXPERIMENT, "hash of the spec"),
    Field("setup_hash", Kind.TEXT, Scope.EXPERIMENT, "hash of the spec without its seeds"),
    Field(
        "device",
        Kind.TEXT,
        Scope.EXPERIMENT,
        "device; auto until the first claim",
        ("auto", "cpu", "cuda", ELSEWHERE),
    ),
    Field("source", Kind.TEXT, Scope.EXPERIMENT, "where it was computed", tuple(Source)),
    Field("priority", Kind.WHOLE, Scope.EXPERIMENT, "priority; higher is claimed first"),
    Field("attempts", Kind.WHOLE, Scope.EXPERIMENT, "number of times a worker claimed it"),
    Field("seeds", Kind.WHOLE, Scope.EXPERIMENT, "number of seeds"),
    Field("step", Kind.WHOLE, Scope.EXPERIMENT, "current training step"),
    Field("created", Kind.TIME, Scope.EXPERIMENT, "time of submission"),
    Field("started", Kind.TIME, Scope.EXPERIMENT, "time of the first claim"),
    Field("finished", Kind.TIME, Scope.EXPERIMENT, "time it ended"),
    Field("tag", Kind.TEXT, Scope.TAG, "a tag of the experiment"),
    Field("sweep", Kind.TEXT, Scope.SWEEP, "id of a sweep it belongs to"),
    Field("seed", Kind.WHOLE, Scope.RUN, "seed of a run"),
    Field("outcome", Kind.TEXT, Scope.RUN, "how a run ended", tuple(Outcome)),
    Field("steps", Kind.WHOLE, Scope.RUN, "training steps of a run"),
    *(Field(name, Kind.REAL, Scope.RUN, meaning) for name, meaning in METRICS.items()),
)


def _spec_fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Field]:
    """The scalar fields of a model and of the models in it; lists and matrices are left out."""
    for name, info in model.model_fields.items():
        if not path and (name in METADATA or name == "seeds"):
            continue
        field_path = (*path, name)
        for annotation in _union_members(info.annotation):
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from _spec_fields(annotation, field_path)
            elif (kind := _kind(annotation)) is not None:
                choices = tuple(map(str, typing.get_args(annotation)))
                full_name = ".".join(field_path)
                known = QUANTITIES.get(full_name)
                meaning = known.words if known else "field of the spec"
                yield Field(full_name, kind, Scope.EXPERIMENT, meaning, choices, field_path)


def _union_members(annotation: Any) -> Iterator[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from _union_members(typing.get_args(annotation)[0])
    elif origin in {typing.Union, types.UnionType}:
        for member in typing.get_args(annotation):
            yield from _union_members(member)
    else:
        yield annotation


def _kind(annotation: Any) -> Kind | None:
    if typing.get_origin(annotation) is typing.Literal:
        return Kind.TEXT
    if not isinstance(annotation, type) or issubclass(annotation, Enum):
        return None
    return {bool: Kind.FLAG, int: Kind.WHOLE, float: Kind.REAL, str: Kind.TEXT}.get(annotation)


def _all_fields() -> Mapping[str, Field]:
    """All fields by name; a path that several models share is one field with all their choices."""
    fields = {field.name: field for field in _RECORD_FIELDS}
    for field in _spec_fields(ExperimentSpec):
        existing = fields.setdefault(field.name, field)
        if existing.kind is not field.kind:
            raise TypeError(
                f"{field.name} is {existing.kind} in one part of the spec, {field.kind} in another"
            )
        choices = tuple(dict.fromkeys((*existing.choices, *field.choices)))
        fields[field.name] = replace(existing, choices=choices)
    return MappingProxyType(fields)


FIELDS = _all_fields()
"""Every field, by name."""

EXPERIMENT_FIELDS = tuple(name for name, f in FIELDS.items() if f.scope is Scope.EXPERIMENT)
"""The names of the fields with one value per experiment."""
