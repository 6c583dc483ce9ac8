"""Analysis of operands: parsed names, calls and numbers become typed terms."""

from collections.abc import Callable
from typing import Any

from lark import Token, Tree

from core.result import METRICS
from store.query import constants
from store.query.ast import Aggregate, Count, Node, NonFinite, Statistic, Term
from store.query.errors import closest_names, find_field, syntax_error
from store.query.fields import FIELDS, NAMES, Field, Scope
from store.query.syntax import Part, call_parts, column_of, shown, sole_operand

FUNCTIONS = ("any", "all", "count", "final", *Statistic, *NonFinite)

NUMERIC_FIELDS = tuple(name for name, field in FIELDS.items() if field.kind.is_number)


class Operands:
    """Analyses the operands of one filter.

    Attributes:
        inside_run: Whether the operand is in a condition on one run, inside any, all or count.
    """

    def __init__(self, analyse: Callable[[Tree[Any]], Node]) -> None:
        """Takes the function that analyses the conditions inside any, all and count."""
        self._analyse = analyse
        self.inside_run = False

    def term(self, part: Part) -> Term:
        """A field, statistic or count."""
        if isinstance(part, Token):
            return self.field(part)
        name, argument = call_parts(part)
        if name == "final":
            return self.metric(part)
        if name != "count" and name not in set(Statistic):
            expected = f"one of the functions {', '.join(FUNCTIONS)}"
            close = closest_names(name, FUNCTIONS)
            raise syntax_error(column_of(name), name, expected, close=close)
        if self.inside_run:
            expected = "a condition on one run; statistics cover all runs, so move this one outside"
            raise syntax_error(column_of(name), name, expected)
        if name == "count":
            return Count(None if argument is None else self.run_condition(name, argument))
        return Aggregate(Statistic(name), self.metric(part))

    def field(self, part: Part) -> Field:
        """A field, or the metric of ``final(...)``."""
        if isinstance(part, Tree):
            term = self.term(part)
            if isinstance(term, Field):
                return term
            raise syntax_error(column_of(part), shown(part), "a field")
        if part.type == "STRING":
            expected = "a field name without quotation marks"
            raise syntax_error(column_of(part), str(part), expected)
        if constants.is_number(part):
            raise syntax_error(column_of(part), str(part), "a field first, then the number")
        return find_field(str(part), column_of(part))

    def number(self, part: Part, other: Term) -> Term:
        """The number, numeric field or statistic that ``other`` is compared with."""
        if isinstance(part, Token) and (part.type == "STRING" or part not in NAMES):
            return constants.parse_number(
                part, "a number or a numeric field", or_name=NUMERIC_FIELDS
            )
        term = self.term(part)
        if isinstance(term, Field):
            has_one_number = term.kind.is_number and term.scope in {Scope.RUN, Scope.EXPERIMENT}
            if not has_one_number:
                expected = f"a number; {term.name} is {term.kind.noun}"
                raise syntax_error(column_of(part), shown(part), expected)
        terms = (term, other)
        of_one_run = any(isinstance(t, Field) and t.scope is Scope.RUN for t in terms)
        of_all_runs = any(not isinstance(t, Field) for t in terms)
        if of_one_run and of_all_runs:
            expected = "a number; one run's value can't be compared with a statistic of all runs"
            raise syntax_error(column_of(part), shown(part), expected)
        return term

    def metric(self, call: Tree[Any]) -> Field:
        """The metric that a function is called with."""
        name, argument = call_parts(call)
        operand = sole_operand(argument)
        if isinstance(operand, Tree) and operand.data == "call" and operand.children[0] == "final":
            return self.metric(operand)
        if not isinstance(operand, Token) or operand.type != "ATOM":
            expected = f"a metric in {name}(...), such as {name}(train_loss)"
            raise syntax_error(column_of(name), name, expected)
        return find_field(str(operand), column_of(operand), METRICS)

    def run_condition(self, name: Token, argument: Tree[Any] | None) -> Node:
        """The condition on one run inside any, all or count."""
        if self.inside_run:
            expected = "a condition on one run; any, all and count can't be nested"
            raise syntax_error(column_of(name), name, expected)
        if argument is None:
            expected = f"a condition on a run, such as {name}(outcome = diverged)"
            raise syntax_error(column_of(name), f"{name}()", expected)
        self.inside_run = True
        try:
            return self._analyse(argument)
        finally:
            self.inside_run = False
