"""Warnings about the specs of a sweep's experiments, each with where it is met."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, cast, func, select

from store.db.tables import experiments, sweep_members
from store.db.visible import visible_experiments

MAX_READ = 100
"""Most different lists of warnings that are read."""


@dataclass(frozen=True)
class SweepWarning:
    """A warning about experiments of a sweep.

    Attributes:
        message: The warning.
        first: Coordinates of the first of these experiments.
        experiments: Their number.
    """

    message: str
    first: Mapping[str, Any]
    experiments: int


def read(tx: Connection, sweep_id: str) -> list[SweepWarning]:
    """The distinct warnings about a sweep's experiments, in the order of their first ones."""
    text, member = cast(experiments.c.warnings, Text), sweep_members.c
    first = func.min(member.position).label("first")
    query = (
        visible_experiments(text.label("messages"), first, func.count().label("experiments"))
        .join(sweep_members, member.experiment_id == experiments.c.id)
        .where(member.sweep_id == sweep_id, text != "[]")
        .group_by(text)
        .order_by(first)
        .limit(MAX_READ)
    )
    firsts: dict[str, int] = {}
    counts: dict[str, int] = {}
    for row in tx.execute(query):
        for message in json.loads(row.messages):
            firsts.setdefault(message, row.first)
            counts[message] = counts.get(message, 0) + row.experiments
    at = select(member.position, member.coordinates).where(
        member.sweep_id == sweep_id, member.position.in_(set(firsts.values()))
    )
    coordinates = {row.position: row.coordinates for row in tx.execute(at)} if firsts else {}
    return [
        SweepWarning(message, coordinates[position], counts[message])
        for message, position in firsts.items()
    ]
