"""The fields of experiments, each with its type: the only names that reach the database.

Filters, orders, lists, tables and exports have all names from here. A field has a short name and
aliases: its paths in the answer for an experiment, such as ``created_at`` and ``spec.name``.

Fields of the spec are named by their paths, such as ``student.start.scale``, read off the models.
They are missing from experiments whose kind of teacher, student or optimizer lacks them.
"""

import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any

from core.result import METRICS, Outcome
from core.spec.scalars import scalar_fields
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


_ORDERED = ("<", "<=", ">", ">=", "between")
_NULLABLE = ("is null", "is not null")
_OPERATORS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.REAL: ("=", "!=", *_ORDERED, "in", *_NULLABLE),
        Kind.WHOLE: ("=", "!=", *_ORDERED, "in", *_NULLABLE),
        Kind.TEXT: ("=", "!=", "~", "in", *_NULLABLE),
        Kind.TIME: (*_ORDERED, *_NULLABLE),
        Kind.FLAG: ("=", "!=", *_NULLABLE),
    }
)


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
        aliases: Its other names, which are its paths in the answer for an experiment.
    """

    name: str
    kind: Kind
    scope: Scope
    meaning: str
    choices: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def symbol(self) -> str:
        """Its symbol, such as ``k``; empty if it has none."""
        return quantity(self.name).symbol

    @property
    def unit(self) -> str:
        """Its unit; empty if it has none."""
        return quantity(self.name).unit

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators that can come after it in a filter."""
        operators = _OPERATORS[self.kind]
        if self.scope in {Scope.TAG, Scope.SWEEP}:
            return tuple(operator for operator in operators if operator != "!=")
        return operators

    @property
    def is_metric(self) -> bool:
        """Whether it is a final metric of a run."""
        return self.name in METRICS


def _of_experiment(
    name: str, kind: Kind, meaning: str, choices: Iterable[str] = (), *aliases: str
) -> Field:
    return Field(name, kind, Scope.EXPERIMENT, meaning, tuple(choices), aliases=aliases)


_RECORD_FIELDS = (
    _of_experiment("id", Kind.TEXT, "id of the experiment"),
    _of_experiment("name", Kind.TEXT, "name in its spec", (), "spec.name"),
    _of_experiment("notes", Kind.TEXT, "notes in its spec", (), "spec.notes"),
    _of_experiment("owner", Kind.TEXT, "who submitted it"),
    _of_experiment("state", Kind.TEXT, "state", State),
    _of_experiment("failure", Kind.TEXT, "kind of failure", FailureKind, "error.kind"),
    _of_experiment("failure_message", Kind.TEXT, "why it failed", (), "error.sentence"),
    _of_experiment("spec_hash", Kind.TEXT, "hash of the spec"),
    _of_experiment("setup_hash", Kind.TEXT, "hash of the spec without its seeds"),
    _of_experiment(
        "device",
        Kind.TEXT,
        "device; auto until the first claim",
        ("auto", "cpu", "cuda", ELSEWHERE),
    ),
    _of_experiment("source", Kind.TEXT, "where it was computed", Source),
    _of_experiment("priority", Kind.WHOLE, "priority; higher is claimed first"),
    _of_experiment("attempts", Kind.WHOLE, "number of times a worker claimed it"),
    _of_experiment("max_seconds", Kind.REAL, "limit on its seconds of training"),
    _of_experiment("max_memory_mb", Kind.WHOLE, "limit on its memory in MB"),
    _of_experiment("cancel_requested", Kind.FLAG, "whether it is asked to stop"),
    _of_experiment("pause_requested", Kind.FLAG, "whether it is asked to pause"),
    _of_experiment("seeds", Kind.WHOLE, "number of seeds"),
    _of_experiment("step", Kind.WHOLE, "current training step", (), "progress.step"),
    _of_experiment("progress.of", Kind.WHOLE, "number of its training steps"),
    _of_experiment(
        "steps_per_second", Kind.REAL, "speed of training", (), "progress.steps_per_second"
    ),
    _of_experiment(
        "eta_seconds", Kind.REAL, "estimated seconds to its end", (), "progress.eta_seconds"
    ),
    _of_experiment("not_before", Kind.TIME, "earliest time of the first claim"),
    _of_experiment("created", Kind.TIME, "time of submission", (), "created_at"),
    _of_experiment("started", Kind.TIME, "time of the first claim", (), "started_at"),
    _of_experiment("finished", Kind.TIME, "time it ended", (), "finished_at"),
    Field("tag", Kind.TEXT, Scope.TAG, "a tag of the experiment", aliases=("spec.tags",)),
    Field("sweep", Kind.TEXT, Scope.SWEEP, "id of a sweep it belongs to"),
    Field("seed", Kind.WHOLE, Scope.RUN, "seed of a run", aliases=("runs.seed",)),
    Field(
        "outcome",
        Kind.TEXT,
        Scope.RUN,
        "how a run ended",
        tuple(Outcome),
        aliases=("runs.outcome",),
    ),
    Field("steps", Kind.WHOLE, Scope.RUN, "training steps of a run", aliases=("runs.steps",)),
    *(
        Field(name, Kind.REAL, Scope.RUN, meaning, aliases=(f"runs.summary.{name}",))
        for name, meaning in METRICS.items()
    ),
)


def _spec_fields() -> Iterator[Field]:
    """The scalar fields of the spec; lists and matrices are left out."""
    for path, annotation in scalar_fields():
        if (kind := _kind(annotation)) is not None:
            name = ".".join(path)
            known = QUANTITIES.get(name)
            yield Field(
                name,
                kind,
                Scope.EXPERIMENT,
                known.words if known else "field of the spec",
                tuple(map(str, typing.get_args(annotation))),
                path,
                (f"spec.{name}",),
            )


def _kind(annotation: Any) -> Kind | None:
    if typing.get_origin(annotation) is typing.Literal:
        return Kind.TEXT
    if not isinstance(annotation, type) or issubclass(annotation, Enum):
        return None
    return {bool: Kind.FLAG, int: Kind.WHOLE, float: Kind.REAL, str: Kind.TEXT}.get(annotation)


def _all_fields() -> Mapping[str, Field]:
    """All fields by name; a path that several models share is one field with all their choices."""
    fields = {field.name: field for field in _RECORD_FIELDS}
    for field in _spec_fields():
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

NAMES: Mapping[str, Field] = MappingProxyType(
    {**FIELDS, **{alias: field for field in FIELDS.values() for alias in field.aliases}}
)
"""Every field, by name and by alias."""

EXPERIMENT_FIELDS = tuple(name for name, f in FIELDS.items() if f.scope is Scope.EXPERIMENT)
"""The names of the fields with one value per experiment."""
