"""Semantic analysis: the parse tree of a filter becomes its typed tree.

Outside ``any``, ``all`` and ``count``, a condition on a run holds if any run satisfies it. Inside
them, it is about the one run under test.
"""

from typing import Any

from lark import Token, Tree

from core.errors import Problem
from store.query import constants
from store.query.ast import (
    Aggregate,
    AllRuns,
    And,
    Comparison,
    Contains,
    Count,
    Exists,
    IsNonFinite,
    Missing,
    Node,
    NonFinite,
    Not,
    OneOf,
    Op,
    Or,
    Term,
)
from store.query.errors import BadQuery, syntax_error
from store.query.fields import FIELDS, NAMES, Field, Kind, Scope
from store.query.operands import Operands
from store.query.syntax import Part, call_parts, column_of, require_token, shown, unquote

MAX_CONDITIONS = 100
MAX_LISTED_CONSTANTS = 500
"""The most constants in one ``in (...)``."""

PREFIXES = {Scope.TAG: "tag:", Scope.SWEEP: "sweep:"}

_EXAMPLES = {
    Kind.TEXT: "~ word",
    Kind.TIME: "> -7d",
    Kind.FLAG: "= true",
    Kind.WHOLE: "> 1",
    Kind.REAL: "< 0.1",
}


class Analysis:
    """Analyses one filter."""

    def __init__(self) -> None:
        self._conditions = 0
        self._operands = Operands(self.analyse)

    def analyse(self, tree: Tree[Any]) -> Node:
        """The typed tree of a parse tree.

        Raises:
            BadQuery: The filter is grammatical but has no meaning.
        """
        match tree.data:
            case "start":
                return _joined(Or, [self.analyse(part) for part in tree.children])
            case "conjunction":
                return _joined(And, [self.analyse(part) for part in tree.children])
            case "negated":
                return Not(self.analyse(tree.children[1]))
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            message = f"should have at most {MAX_CONDITIONS} conditions; split it"
            raise BadQuery(Problem("", "too_many", message))
        node: Node = getattr(self, f"_{tree.data}")(*tree.children)
        return node

    def term(self, call: Tree[Any]) -> Field | Aggregate | Count:
        """The statistic, count or final metric of a call.

        Raises:
            BadQuery: It is a call of another function, or its argument is not valid.
        """
        term = self._operands.term(call)
        assert isinstance(term, Field | Aggregate | Count)  # noqa: S101  # never a constant
        return term

    def _alone(self, part: Part) -> Node:
        """A condition of one operand: a call, tag:..., sweep:..., or a flag."""
        if isinstance(part, Tree):
            return self._call(part)
        if part.type == "ATOM":
            for scope, prefix in PREFIXES.items():
                if part.startswith(prefix) and len(part) > len(prefix):
                    return _has(scope, part[len(prefix) :])
            if part in NAMES and NAMES[part].kind is Kind.FLAG:
                return Comparison(NAMES[part], Op.EQUAL, True)
            if part not in NAMES and part.lower() in {"true", "false"}:
                raise syntax_error(column_of(part), part, "a condition")
        field = self._operands.field(part)
        expected = f"a comparison after it, such as {field.name} {_example(field)}"
        raise syntax_error(column_of(part), part, expected)

    def _labelled(self, prefix: Token, value: Token) -> Node:
        """tag:"..." or sweep:"..."."""
        for scope, known in PREFIXES.items():
            if prefix == known:
                return _has(scope, unquote(value))
        expected = "a comparison; only tag: and sweep: take a bare value"
        raise syntax_error(column_of(value), value, expected)

    def _comparison(self, left: Part, sign: Token, right: Part) -> Node:
        term, op = self._operands.term(left), Op(str(sign).replace("==", "="))
        if isinstance(term, Field):
            _check_operator(term, op, sign)
        other: Term
        if isinstance(term, Field) and not term.kind.is_number:
            value = require_token(right, f"a value to compare {term.name} with")
            other = constants.parse_constant(term, value)
        else:
            other = self._operands.number(right, term)
        return self._quantified(Comparison(term, op, other), term, other)

    def _contains(self, left: Part, _sign: Token, right: Part) -> Node:
        field = self._operands.field(left)
        if field.kind is not Kind.TEXT:
            expected = f"a text field before ~; {field.name} is {field.kind.noun}"
            raise syntax_error(column_of(left), shown(left), expected)
        text = unquote(require_token(right, "text after ~"))
        return self._quantified(Contains(field, text), field)

    def _one_of(self, left: Part, _in: Token, *listed: Part) -> Node:
        term = self._operands.term(left)
        if len(listed) > MAX_LISTED_CONSTANTS:
            expected = f"at most {MAX_LISTED_CONSTANTS} values"
            raise syntax_error(column_of(left), f"{len(listed)} values", expected)
        tokens = [require_token(part, "a value") for part in listed]
        if isinstance(term, Field):
            values = tuple(constants.parse_constant(term, token) for token in tokens)
        else:
            values = tuple(constants.parse_number(token, "a number") for token in tokens)
        return self._quantified(OneOf(term, values), term)

    def _between(self, left: Part, _between: Token, low: Part, high: Part) -> Node:
        """Both bounds, on the same run, tag or sweep if the field is about one."""
        at_least = self._comparison(left, Token("OP", ">="), low)
        at_most = self._comparison(left, Token("OP", "<="), high)
        if isinstance(at_least, Exists) and isinstance(at_most, Exists):
            return Exists(at_least.scope, And((at_least.condition, at_most.condition)))
        return And((at_least, at_most))

    def _missing(self, left: Part, _is: Token, *words: Token) -> Node:
        """``is null``, or ``is not null`` with two words."""
        term = self._operands.term(left)
        if isinstance(term, Count):
            expected = "a field or statistic before 'is null'; for counts use count(...) = 0"
            raise syntax_error(column_of(left), "count", expected)
        is_negated = len(words) > 1
        if isinstance(term, Field) and term.scope in PREFIXES:
            has_any = Exists(term.scope, And(()))
            return has_any if is_negated else Not(has_any)
        missing = Missing(term)
        return self._quantified(Not(missing) if is_negated else missing, term)

    def _call(self, call: Tree[Any]) -> Node:
        """A function that is a condition by itself."""
        name, argument = call_parts(call)
        if name == "any":
            return Exists(Scope.RUN, self._operands.run_condition(name, argument))
        if name == "all":
            return AllRuns(self._operands.run_condition(name, argument))
        if name in set(NonFinite):
            metric = self._operands.metric(call)
            return self._quantified(IsNonFinite(metric, NonFinite(name)), metric)
        self._operands.term(call)
        expected = f"a comparison after {name}(...), such as {name}(...) < 0.1"
        raise syntax_error(column_of(name), name, expected)

    def _quantified(self, node: Node, *terms: Term) -> Node:
        """The condition, on any run, tag or sweep unless it is on the run under test."""
        scopes = {term.scope for term in terms if isinstance(term, Field)} - {Scope.EXPERIMENT}
        if not scopes or (scopes == {Scope.RUN} and self._operands.inside_run):
            return node
        return Exists(scopes.pop(), node)


def _has(scope: Scope, name: str) -> Node:
    """The condition that the experiment has this tag, or belongs to this sweep."""
    return Exists(scope, Comparison(FIELDS[scope], Op.EQUAL, name))


def _joined(kind: type[And | Or], parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _check_operator(field: Field, op: Op, sign: Token) -> None:
    """Raises BadQuery for an operator that the field's values don't have."""
    if op in field.operators:
        return
    if field.scope in PREFIXES and op is Op.UNEQUAL:
        expected = f"=; for experiments without one use not {PREFIXES[field.scope]}..."
    elif field.kind is Kind.TEXT:
        expected = f"=, != or ~, since {field.name} is text"
    elif field.kind is Kind.FLAG:
        expected = f"= or !=, since {field.name} is true or false"
    else:
        expected = f"<, <=, >, >= or between after {field.name}"
    raise syntax_error(column_of(sign), sign, expected)


def _example(field: Field) -> str:
    return f"= {field.choices[0]}" if field.choices else _EXAMPLES[field.kind]
