"""Answers, read a page at a time.

A page begins behind the place of the last one's end, which no insert shifts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from store.db.database import now
from store.db.tables import experiments, sweep_members, tags
from store.db.visible import visible_experiments
from store.errors import BadCursor
from store.experiments import rows
from store.query import cursor as cursors
from store.query.ast import And, Comparison, Node, Op, Over, Some
from store.query.cursor import Mark
from store.query.fields import Scope
from store.query.order import Key, Own, behind, ordering
from store.query.query import ExperimentQuery
from store.query.sql import condition
from store.query.statistics import of_each
from store.records import Experiment


@dataclass(frozen=True)
class Found:
    """An experiment, and the cursor of what comes after it."""

    experiment: Experiment
    cursor: str


def walk(
    tx: Connection,
    question: ExperimentQuery,
    *,
    cursor: str | None = None,
    at_once: int = 100,
    whole: int = 26,
) -> Iterator[Found]:
    """Every experiment behind the cursor: found ``at_once`` at a time, and ``whole`` of those read at a time.

    Raises:
        BadCursor: The cursor isn't one that a page of this question gave.
    """
    while True:
        marks = page(tx, question, cursor=cursor, limit=at_once)
        for begin in range(0, len(marks), whole):
            some = marks[begin : begin + whole]
            for experiment, mark in zip(
                rows.load(tx, rows.several(tx, [m.id for m in some])), some, strict=True
            ):
                yield Found(experiment, cursors.encode(mark))
        if len(marks) < at_once:
            return
        cursor = cursors.encode(marks[-1])


def page(
    tx: Connection, question: ExperimentQuery, *, cursor: str | None, limit: int
) -> list[Mark]:
    """Where up to ``limit`` experiments behind the cursor are.

    Raises:
        BadCursor: The cursor isn't one that a page of this question gave.
    """
    mark = None if cursor is None else _decoded(cursor, question)
    at = now(tx) if mark is None else mark.at
    query, own = matching(question, at)
    query, own = _with_statistics(query, own, question.keys)
    if mark is not None:
        query = query.where(behind(question.keys, tuple(mark.place), mark.id, own))
    values = [
        own.value(key).label(f"key_{place}") for place, key in enumerate(question.keys)
    ]  # computed once by name
    query = (
        query.with_only_columns(own.id, *values)
        .order_by(*ordering(question.keys, values, own))
        .limit(limit)
    )
    found = tx.execute(query).all()
    return [Mark(question.digest, at, tuple(row)[1:], row[0]) for row in found]


def ids(tx: Connection, question: ExperimentQuery) -> list[str]:
    """The ids of all of them, in no order."""
    query, own = matching(question, now(tx))
    return list(tx.scalars(query.with_only_columns(own.id)))


def count(tx: Connection, question: ExperimentQuery) -> int:
    """How many there are."""
    query, _ = matching(question, now(tx))
    return tx.scalars(query.with_only_columns(func.count())).one()


def matching(question: ExperimentQuery, at: float) -> tuple[Select[Any], Own]:
    """The query for matching experiments at a time.

    If the filter requires a tag or a sweep, the query starts from the experiments that have it: a
    condition alone would be tested on every experiment.
    """
    required, rest = _required(question.filter)
    query = visible_experiments(experiments).where(condition(rest, at))
    match required:
        case Scope.TAG, tag:
            query = query.join(tags, tags.c.experiment_id == experiments.c.id)
            return query.where(tags.c.tag == tag), Own(tags.c.experiment_id, tags.c.created_at)
        case Scope.SWEEP, sweep_id:
            members = select(sweep_members.c.experiment_id).distinct()
            members_of_it = members.where(sweep_members.c.sweep_id == sweep_id).subquery()
            is_member = members_of_it.c.experiment_id == experiments.c.id
            return query.join(members_of_it, is_member), Own()
    return query, Own()


def _with_statistics(query: Select[Any], own: Own, keys: Sequence[Key]) -> tuple[Select[Any], Own]:
    ids, found = query.with_only_columns(own.id), {}
    for key in keys:
        if isinstance(key.term, Over):
            each = of_each(key.term, ids)
            query = query.outerjoin(each, each.c.experiment_id == experiments.c.id)
            found[key.term] = each.c.value
    return query, replace(own, statistics=found)


def _required(node: Node) -> tuple[tuple[Scope, str] | None, Node]:
    """A tag or sweep that every match has, and the rest of the condition."""
    parts = list(node.parts) if isinstance(node, And) else [node]
    for place, part in enumerate(parts):
        before, after = parts[:place], parts[place + 1 :]
        match part:
            case Some(Scope.TAG | Scope.SWEEP as scope, Comparison(_, Op.EQUAL, str(name))):
                return (scope, name), And((*before, *after))
            case And():
                required, rest = _required(part)
                if required is not None:
                    return required, And((*before, rest, *after))
    return None, node


def _decoded(cursor: str, question: ExperimentQuery) -> Mark:
    mark = cursors.decode(cursor)
    if mark.question != question.digest:
        raise BadCursor(
            cursor, "belongs to another filter or order: ask with those of the page before"
        )
    if len(mark.place) != len(question.keys) or not all(
        key.fits(at) for key, at in zip(question.keys, mark.place, strict=True)
    ):
        raise BadCursor(cursor)
    return mark
