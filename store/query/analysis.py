"""From the parser's tree to the typed one: names become fields, words become constants of the field's kind.

A condition on a run that stands by itself is about any run of the experiment; inside ``any``,
``all`` and ``count`` it is about the one run that is looked at.
"""

from typing import Any, TypeAlias

from lark import Token, Tree

from core.errors import Problem
from store.query import constants
from store.query.ast import (
    And,
    Comparison,
    Contains,
    Count,
    Every,
    Missing,
    Node,
    Not,
    NotFinite,
    Odd,
    OneOf,
    Op,
    Or,
    Over,
    Some,
    Statistic,
    Term,
)
from store.query.constants import column, text
from store.query.errors import BadQuery, named, nearest, refuse
from store.query.fields import FIELDS, Field, Kind, Scope

MOST_CONDITIONS = 100
MOST_CONSTANTS = 500
"""Of one ``in (...)``."""

FUNCTIONS = ("any", "all", "count", "final", *Statistic, *Odd)
LABELS = {Scope.TAG: "tag:", Scope.SWEEP: "sweep:"}

Part: TypeAlias = "Tree[Any] | Token"


class Reader:
    """Reads one filter."""

    def __init__(self) -> None:
        self._conditions = 0
        self._in_a_run = False

    def read(self, tree: "Tree[Any]") -> Node:
        """The typed tree; raises BadQuery for what can't be meant."""
        match tree.data:
            case "start":
                return _joined(Or, [self.read(part) for part in tree.children])
            case "conjunction":
                return _joined(And, [self.read(part) for part in tree.children])
            case "negated":
                return Not(self.read(tree.children[1]))
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise BadQuery(
                Problem(
                    "", "too_many", f"should have at most {MOST_CONDITIONS} conditions; split it"
                )
            )
        node: Node = getattr(self, f"_{tree.data}")(*tree.children)
        return node

    def _alone(self, what: Part) -> Node:
        if isinstance(what, Tree):
            return self._called(what)
        for label in LABELS.values():
            if what.type == "ATOM" and what.startswith(label) and len(what) > len(label):
                return self._labelled(
                    Token("ATOM", label), Token.new_borrow_pos("ATOM", what[len(label) :], what)
                )
        if what.type == "ATOM" and what in FIELDS and FIELDS[what].kind is Kind.FLAG:
            return Comparison(FIELDS[what], Op.EQUAL, True)
        if what.type == "ATOM" and what not in FIELDS and what.lower() in {"true", "false"}:
            raise refuse(column(what), what, "a condition")
        after = self._field(what).name
        raise refuse(
            column(what), what, f"a comparison behind it, such as {after} {_example(FIELDS[after])}"
        )

    def _labelled(self, label: Token, word: Token) -> Node:
        scope = next((scope for scope, known in LABELS.items() if known == label), None)
        if scope is None:
            raise refuse(
                column(word), word, f"a comparison behind {label!s}; only tag: and sweep: have none"
            )
        return Some(scope, Comparison(FIELDS[scope], Op.EQUAL, text(word)))

    def _comparison(self, left: Part, sign: Token, right: Part) -> Node:
        term, op = self._term(left), Op(str(sign).replace("==", "="))
        if isinstance(term, Field):
            self._refuse_comparison(term, op, sign)
        other: Term
        if isinstance(term, Field) and not term.kind.is_number:
            other = constants.of(term, _token(right, f"a value to compare {term.name} with"))
        elif isinstance(right, Token) and constants.is_number(right):
            other = constants.number(right, "a number")
        else:
            other = self._number(right, term)
        return self._of_any(Comparison(term, op, other), term, other)

    def _contains(self, left: Part, _sign: Token, right: Part) -> Node:
        field = self._field(left)
        if field.kind is not Kind.TEXT:
            raise refuse(
                _column(left), _words(left), f"a text before ~, and {field.name} is a {field.kind}"
            )
        return self._of_any(Contains(field, text(_token(right, "a text behind ~"))), field)

    def _one_of(self, left: Part, _in: Token, *listed: Part) -> Node:
        term = self._term(left)
        if len(listed) > MOST_CONSTANTS:
            raise refuse(_column(left), f"{len(listed)} values", f"at most {MOST_CONSTANTS} values")
        tokens = [_token(part, "a value") for part in listed]
        if isinstance(term, Field):
            found = tuple(constants.of(term, token) for token in tokens)
        else:
            found = tuple(constants.number(token, "a number") for token in tokens)
        return self._of_any(OneOf(term, found), term)

    def _between(self, left: Part, _between: Token, low: Part, high: Part) -> Node:
        bounds = [
            self._comparison(left, Token("OP", op), part)
            for op, part in ((">=", low), ("<=", high))
        ]
        inner = [part.condition if isinstance(part, Some) else part for part in bounds]
        whole = next((part for part in bounds if isinstance(part, Some)), None)
        return And(tuple(bounds)) if whole is None else Some(whole.scope, And(tuple(inner)))

    def _missing(self, left: Part, _is: Token, *words: Token) -> Node:
        term = self._term(left)
        node: Node
        if isinstance(term, Count):
            raise refuse(
                _column(left),
                "count",
                "a field or statistic before 'is null'; compare count with 0",
            )
        if isinstance(term, Field) and term.scope in LABELS:
            node = Not(Some(term.scope, And(())))
            return Not(node) if len(words) > 1 else node
        node = Missing(term)
        return self._of_any(Not(node) if len(words) > 1 else node, term)

    def _called(self, call: "Tree[Any]") -> Node:
        name, argument = _called(call)
        if name in {"any", "all"}:
            condition = self._about_a_run(name, argument)
            return Some(Scope.RUN, condition) if name == "any" else Every(condition)
        if name in set(Odd):
            metric = self._metric(call)
            return self._of_any(NotFinite(metric, Odd(name)), metric)
        self._term(call)
        raise refuse(
            column(name), name, f"a comparison behind {name}(...), such as {name}(...) < 0.1"
        )

    def _term(self, part: Part) -> Term:
        """A field, statistic or count."""
        if isinstance(part, Token):
            return self._field(part)
        name, argument = _called(part)
        if name == "final":
            return self._metric(part)
        if name != "count" and name not in set(Statistic):
            raise refuse(
                column(name),
                name,
                f"a function: {', '.join(FUNCTIONS)}",
                close=nearest(name, FUNCTIONS),
            )
        if self._in_a_run:
            raise refuse(
                column(name),
                name,
                "a condition on one run here; statistics are of all runs: put it outside",
            )
        if name == "count":
            return Count(self._about_a_run(name, argument) if argument else None)
        return Over(Statistic(name), self._metric(part))

    def _field(self, part: Part) -> Field:
        if isinstance(part, Tree):
            term = self._term(part)
            if isinstance(term, Field):
                return term
            raise refuse(_column(part), _words(part), "a field")
        if part.type == "STRING":
            raise refuse(column(part), str(part), "the name of a field, without quotation marks")
        if constants.is_number(part):
            raise refuse(
                column(part), str(part), "a field first, then the number that it is compared with"
            )
        return named(str(part), column(part))

    def _number(self, part: Part, beside: Term) -> Term:
        """What else than a number a number is compared with: a field or a statistic."""
        if isinstance(part, Token) and (part.type == "STRING" or part not in FIELDS):
            close = nearest(
                str(part), [name for name, field in FIELDS.items() if field.kind.is_number]
            )
            constants.number(
                part,
                "a number, or the name of one"
                + (f"; did you mean {' or '.join(close)}?" * bool(close)),
            )
        term = self._term(part)
        if isinstance(term, Field) and not (
            term.kind.is_number and term.scope in {Scope.RUN, Scope.EXPERIMENT}
        ):
            raise refuse(_column(part), _words(part), f"a number, and {term.name} is a {term.kind}")
        of_a_run = [isinstance(one, Field) and one.scope is Scope.RUN for one in (term, beside)]
        if any(of_a_run) and not all(isinstance(one, Field) for one in (term, beside)):
            raise refuse(
                _column(part),
                _words(part),
                "a number; a run is not compared with a statistic of all runs",
            )
        return term

    def _metric(self, call: "Tree[Any]") -> Field:
        """The metric that a function is of."""
        name, argument = _called(call)
        inner: Part | None = argument[0] if argument else None
        while (
            isinstance(inner, Tree)
            and inner.data in {"start", "conjunction", "alone"}
            and len(inner.children) == 1
        ):
            inner = inner.children[0]
        if isinstance(inner, Tree) and inner.data == "call" and inner.children[0] == "final":
            return self._metric(inner)
        if not isinstance(inner, Token) or inner.type != "ATOM":
            raise refuse(
                column(name),
                name,
                f"the name of a metric in {name}(...), such as {name}(train_loss)",
            )
        return named(
            str(inner), column(inner), [field.name for field in FIELDS.values() if field.is_metric]
        )

    def _about_a_run(self, name: Token, argument: list[Any]) -> Node:
        if self._in_a_run:
            raise refuse(
                column(name),
                name,
                "a condition on one run; any, all and count don't stand in one another",
            )
        if not argument:
            raise refuse(
                column(name),
                f"{name}()",
                f"a condition on a run, such as {name}(outcome = diverged)",
            )
        self._in_a_run = True
        try:
            return self.read(argument[0])
        finally:
            self._in_a_run = False

    def _of_any(self, node: Node, *terms: Term) -> Node:
        """The condition, of any run, tag or sweep where it is about one that wasn't chosen yet."""
        scopes = {term.scope for term in terms if isinstance(term, Field)} - {Scope.EXPERIMENT}
        if not scopes or (scopes == {Scope.RUN} and self._in_a_run):
            return node
        return Some(scopes.pop(), node)

    def _refuse_comparison(self, field: Field, op: Op, sign: Token) -> None:
        allowed = {Kind.TEXT: "= or !=, or ~ for a part of it", Kind.FLAG: "= or !="}.get(
            field.kind
        )
        if allowed and op not in {Op.EQUAL, Op.UNEQUAL}:
            raise refuse(column(sign), sign, f"{allowed}, as {field.name} is a {field.kind}")
        if field.kind is Kind.TIME and op in {Op.EQUAL, Op.UNEQUAL}:
            raise refuse(
                column(sign), sign, f"<, <=, > or >= behind {field.name}, or between two times"
            )
        if field.scope in LABELS and op is Op.UNEQUAL:
            raise refuse(
                column(sign), sign, f"=, or not {LABELS[field.scope]}... for those without"
            )


def _joined(kind: type[And | Or], parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _token(part: Part, expected: str) -> Token:
    if isinstance(part, Tree):
        raise refuse(_column(part), _words(part), expected)
    return part


def _called(call: "Tree[Any]") -> tuple[Token, list[Any]]:
    """The name of a function, and what stands between its parentheses."""
    name, *argument = call.children
    assert isinstance(name, Token)  # noqa: S101  # by the grammar
    return name, argument


def _column(part: Part) -> int:
    return column(_called(part)[0] if isinstance(part, Tree) else part)


def _words(part: Part) -> str:
    return f"{_called(part)[0]}(...)" if isinstance(part, Tree) else str(part)


def _example(field: Field) -> str:
    if field.choices:
        return f"= {field.choices[0]}"
    return _EXAMPLES[field.kind]


_EXAMPLES = {
    Kind.TEXT: "~ word",
    Kind.TIME: "> -7d",
    Kind.FLAG: "= true",
    Kind.WHOLE: "> 1",
    Kind.REAL: "< 0.1",
}
