"""References in filters (:mod:`store.experiments.references`), replaced by the ids they mean."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sqlalchemy import Connection

from core.errors import Problem
from core.spec.explain import shorten
from store.errors import AmbiguousReference, WrongKind
from store.experiments import references
from store.experiments.references import Kind
from store.query.ast import AllRuns, And, Comparison, Constant, Exists, Node, Not, OneOf, Or
from store.query.errors import BadQuery
from store.query.fields import Field
from store.query.query import ExperimentQuery

_KINDS: Mapping[str, Kind] = MappingProxyType(
    {"id": Kind.EXPERIMENT, "sweep": Kind.SWEEP, "student.start.id": Kind.EXPERIMENT}
)
"""The fields that hold ids."""


def resolved(tx: Connection, query: ExperimentQuery) -> ExperimentQuery:
    """The query with whole ids; what means nothing stays, and matches nothing.

    Its digest tells what was meant, so that no cursor goes on in another sweep.

    Raises:
        BadQuery: A reference means several, or something of another kind.
    """
    if query.is_resolved:
        return query
    resolver = _Resolver(tx)
    filter_ = resolver.node(query.filter)
    digest = query.digest
    if resolver.ids:
        meant = "".join([digest, *resolver.ids])
        digest = hashlib.sha256(meant.encode()).hexdigest()[: len(digest)]
    return replace(query, filter=filter_, digest=digest, is_resolved=True)


@dataclass
class _Resolver:
    """Replaces references; ``ids`` are those that it found."""

    tx: Connection
    ids: list[str] = field(default_factory=list)

    def node(self, node: Node) -> Node:
        """The node with whole ids."""
        match node:
            case And(parts) | Or(parts):
                return replace(node, parts=tuple(map(self.node, parts)))
            case Not(part):
                return Not(self.node(part))
            case Exists(scope, condition):
                return Exists(scope, self.node(condition))
            case AllRuns(condition):
                return AllRuns(self.node(condition))
            case Comparison(Field(name=name) as left, op, str(text)) if name in _KINDS:
                return Comparison(left, op, self._id(name, text))
            case OneOf(Field(name=name) as term, constants) if name in _KINDS:
                return OneOf(term, tuple(self._constant(name, one) for one in constants))
        return node

    def _constant(self, name: str, constant: Constant) -> Constant:
        return self._id(name, constant) if isinstance(constant, str) else constant

    def _id(self, name: str, text: str) -> str:
        kind = _KINDS[name]
        if references.is_id(text, kind):
            return text
        try:
            found = references.resolve(self.tx, kind, text)
        except AmbiguousReference as error:
            problem = Problem(
                "/query/q", "ambiguous_id", str(error), shorten(text), allowed=error.allowed
            )
            raise BadQuery(problem) from None
        except WrongKind as error:
            raise BadQuery(Problem("/query/q", "wrong_kind", str(error), shorten(text))) from None
        if found is None:
            return text
        self.ids.append(found)
        return found
