"""A query for experiments, as lists, tables, exports and bulk cancellation take it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from core.errors import Problem
from store.query import order, parser
from store.query.ast import EVERYTHING, And, Comparison, Exists, Node, OneOf, Op
from store.query.errors import BadQuery
from store.query.fields import FIELDS, Scope
from store.query.order import NEWEST_FIRST, Key


@dataclass(frozen=True)
class ExperimentQuery:
    """A filter of experiments and their order.

    Attributes:
        filter: The condition that they satisfy.
        keys: The order.
        digest: A hash of filter and order as written, by which the cursors of other queries are
            refused.
        is_resolved: Whether its references are whole ids (:mod:`store.query.resolution`).
    """

    filter: Node
    keys: tuple[Key, ...]
    digest: str
    is_resolved: bool = False

    @classmethod
    def parse(
        cls,
        q: str | None = None,
        sort: str | None = None,
        *,
        tag: str | None = None,
        state: str | None = None,
    ) -> Self:
        """The query that a filter and an order describe.

        Args:
            q: The filter; by default all experiments.
            sort: The order; by default the newest first.
            tag: Keep only experiments with this tag.
            state: Keep only experiments in this state.

        Raises:
            BadQuery: The filter, order or tag is not valid; each problem points at its parameter.
        """
        problems: list[Problem] = []
        parts: list[Node] = []
        keys: tuple[Key, ...] = ()
        if q is not None:
            try:
                parts.append(parser.parse(q))
            except BadQuery as error:
                problems += error.at("/query/q").problems
        try:
            keys = order.parse(sort or NEWEST_FIRST)
        except BadQuery as error:
            problems += error.at("/query/sort").problems
        if tag is not None:
            if "\0" in tag:
                message = "should have no control characters"
                problems.append(Problem("/query/tag", "control_character", message))
            parts.append(Exists(Scope.TAG, Comparison(FIELDS["tag"], Op.EQUAL, tag)))
        if state is not None:
            parts.append(Comparison(FIELDS["state"], Op.EQUAL, state))
        if problems:
            raise BadQuery(*problems)
        source = json.dumps([q, sort or NEWEST_FIRST, tag, state])
        digest = hashlib.sha256(source.encode(errors="replace")).hexdigest()[:16]
        return cls(And(tuple(parts)) if parts else EVERYTHING, keys, digest)

    def narrowed(self, q: str) -> Self:
        """The same query, limited to what another filter finds, too; an empty one finds all."""
        return replace(self, filter=And((self.filter, parser.parse(q)))) if q else self

    def where_in(self, name: str, values: Sequence[str]) -> Self:
        """The same query, limited to experiments with one of these values at a field."""
        return replace(self, filter=And((self.filter, OneOf(FIELDS[name], tuple(values)))))
