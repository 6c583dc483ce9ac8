"""A question: which experiments, in which order.

What a list, a table, an export and a bulk cancel are asked.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from core.errors import Problem
from store.query import order, parser
from store.query.ast import EVERYTHING, And, Comparison, Node, OneOf, Op, Some
from store.query.errors import BadQuery
from store.query.fields import FIELDS, Scope
from store.query.order import NEWEST_FIRST, Key


@dataclass(frozen=True)
class ExperimentQuery:
    """Which experiments, in which order.

    Attributes:
        filter: Which.
        keys: In which order.
        digest: Names the question, so that a cursor of another is refused.
    """

    filter: Node
    keys: tuple[Key, ...]
    digest: str

    @classmethod
    def of(
        cls,
        q: str | None = None,
        sort: str | None = None,
        *,
        tag: str | None = None,
        state: str | None = None,
    ) -> Self:
        """The question of a filter and an order as they are written.

        Args:
            q: The filter; all experiments where it is left out.
            sort: The order; the newest first where it is left out.
            tag: Only those with this tag.
            state: Only those in this state.

        Raises:
            BadQuery: One of them isn't understood; ``/query/q`` or ``/query/sort`` says which.
        """
        problems: list[BadQuery] = []
        parts: list[Node] = []
        keys: Sequence[Key] = ()
        for name, text in (("q", q), ("sort", sort or NEWEST_FIRST)):
            try:
                if name == "q" and text is not None:
                    parts.append(parser.parse(text))
                elif text is not None and name == "sort":
                    keys = order.parse(text)
            except BadQuery as error:
                problems.append(error.at(f"/query/{name}"))
        if tag is not None and "\0" in tag:
            problems.append(
                BadQuery(
                    Problem("/query/tag", "control_character", "should hold no control characters")
                )
            )
        if problems:
            raise BadQuery(*(problem for error in problems for problem in error.problems))
        if tag is not None:
            parts.append(Some(Scope.TAG, Comparison(FIELDS["tag"], Op.EQUAL, tag)))
        if state is not None:
            parts.append(Comparison(FIELDS["state"], Op.EQUAL, state))
        written = json.dumps([q, sort or NEWEST_FIRST, tag, state])
        digest = hashlib.sha256(written.encode(errors="replace")).hexdigest()[:16]
        return cls(And(tuple(parts)) if parts else EVERYTHING, tuple(keys), digest)

    def narrowed(self, name: str, words: Sequence[str]) -> "ExperimentQuery":
        """The same of those only that have one of these words at a field of their own."""
        return replace(self, filter=And((self.filter, OneOf(FIELDS[name], tuple(words)))))
