"""Refinement of a sweep: one round of bisection along an axis, where a verdict flips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from core.errors import Problem
from core.figures.coordinates import LOG_RATIO, is_number, key
from core.figures.coordinates import scale as scale_of
from core.result import Outcome
from core.spec.axis import ZipAxis, nested, paths
from core.spec.bisection import Bracket, Halving, Scale, brackets
from core.spec.drawn_axis import DrawnAxis
from core.spec.field_axis import FieldAxis, ListAxis, LogspaceAxis
from core.spec.scalars import whole_fields
from service import schemas
from service.context import AppContext
from service.figures import sweep_axes
from service.http.errors import Invalid, unknown
from service.intake.extension import extend
from service.intake.sweep_expansion import Expansion, expand
from store.query import pages, parser, run_ends
from store.query.errors import BadQuery
from store.query.query import ExperimentQuery
from store.records import Submission
from store.states import State
from store.sweeps import repository as sweeps
from store.sweeps.repository import Member, StillPending, Sweep
from store.sweeps.warnings import SweepWarning

LOG_TOLERANCE, LINEAR_TOLERANCE = 0.1, 0.01
"""By default: relative to the lower end, and to the range of the axis."""


@dataclass(frozen=True)
class Flip:
    """Two neighbouring experiments with different verdicts.

    Attributes:
        bracket: Their values on the axis.
        low, high: The experiments.
        blocked_by: An experiment in the middle that failed or was cancelled.
    """

    bracket: Bracket
    low: Member
    high: Member
    blocked_by: Member | None


@dataclass(frozen=True)
class Flips:
    """Where a verdict flips along an axis of a sweep.

    Attributes:
        sweep: The sweep.
        axis: The path of the axis.
        halving: How it is bisected.
        flips: In the order of the sweep, then of the axis.
        judged: The number of completed experiments.
        holding: The ids of those for which the verdict holds.
        left_out: The number of experiments that ended without a result.
    """

    sweep: Sweep
    axis: str
    halving: Halving
    flips: Sequence[Flip]
    judged: int
    holding: frozenset[str]
    left_out: int

    @property
    def middles(self) -> list[Mapping[str, Any]]:
        """The coordinates of the experiments that halve the brackets."""
        return [
            {**flip.low.coordinates, self.axis: flip.bracket.middle}
            for flip in self.flips
            if flip.bracket.middle is not None and flip.blocked_by is None
        ]

    def expand(self, context: AppContext) -> Expansion:
        """Expands the middles to experiments, as an extension that leaves the axes as they are.

        Raises:
            SpecError: One of them is invalid, or all of them exceed a limit.
        """
        middles, spec = self.middles, self.sweep.spec
        listed = [
            ListAxis(path=path, values=tuple(middle[path] for middle in middles))
            for path in middles[0]
        ]
        zipped = ZipAxis(kind="zip", axes=tuple(listed))
        expansion = expand(spec.model_copy(update={"axes": (zipped,)}), context)
        return replace(expansion, draft=replace(expansion.draft, sweep=spec))


def refine(
    context: AppContext, sweep_id: str, asked: schemas.Refinement, *, owner: str, dry_run: bool
) -> schemas.SweepRefinement:
    """Finds where the verdict flips and, unless ``dry_run``, queues an experiment in each middle.

    Raises:
        NotFound: There is no such sweep.
        Invalid: The axis is none with numbers of its own.
        BadQuery: The verdict is no valid filter.
        StillPending: Experiments of the sweep are pending.
        SpecError: An experiment in the middle is invalid, or all of them exceed a limit.
        StoreUnavailable: It took too long; nothing was stored.
    """
    with context.database.read() as tx:
        found = find(tx, sweep_id, asked)
    members: Sequence[Submission] = ()
    warnings: Sequence[SweepWarning] = ()
    if found.middles and not dry_run:
        expansion = found.expand(context)
        members = extend(context, found.sweep, expansion, owner=owner).members
        warnings = expansion.warnings
    with context.database.read() as tx:
        counts = sweeps.get(tx, found.sweep.id).counts
        listed = _brackets(tx, found)
    reused = sum(member.reused for member in members)
    return schemas.SweepRefinement(
        id=found.sweep.id,
        axis=found.axis,
        where=asked.where,
        scale=found.halving.scale,
        tolerance=found.halving.tolerance,
        judged=found.judged,
        holding=len(found.holding),
        left_out=found.left_out,
        located=sum(bracket.located for bracket in listed),
        brackets=listed,
        created=len(members) - reused,
        reused=reused,
        state=schemas.SweepState.from_counts(counts),
        warnings=warnings,
        links=schemas.SweepLinks.for_sweep(found.sweep.id),
    )


def find(tx: Connection, sweep_id: str, asked: schemas.Refinement) -> Flips:
    """Finds where a verdict flips between neighbours on an axis, for all values of the other axes.

    Experiments that failed or were cancelled have no verdict.

    Raises:
        NotFound: There is no such sweep.
        Invalid: The axis is none with numbers of its own.
        BadQuery: The verdict is no valid filter.
        StillPending: Experiments of the sweep are pending.
    """
    sweep = sweeps.get(tx, sweep_id)
    members, _ = sweeps.members(tx, sweep_id)
    axis = _axis(sweep, asked.axis)
    if pending := sum(not member.state.is_final for member in members):
        raise StillPending(pending)
    _require_comparable(members, asked.axis)
    values = [member.coordinates[asked.axis] for member in members]
    halving = _halving(axis, values, asked)
    holding = frozenset(pages.ids(tx, _verdict(sweep.id, asked.where)))
    judged = sum(member.state is State.COMPLETED for member in members)
    flips = [
        flip
        for line in _lines(members, asked.axis)
        for flip in _flips(line, asked.axis, holding, halving)
    ]
    left_out = len(members) - judged
    return Flips(sweep, asked.axis, halving, flips, judged, holding, left_out)


def _brackets(tx: Connection, found: Flips) -> list[schemas.SweepBracket]:
    ends = (member.experiment_id for flip in found.flips for member in (flip.low, flip.high))
    ids = list(dict.fromkeys(ends))
    runs = run_ends.final_metrics(tx, ids, [])
    outcomes: dict[str, list[str]] = {name: [] for name in ids}
    for index, outcome in zip(runs.experiment_index.tolist(), runs.outcomes.tolist(), strict=True):
        outcomes[ids[index]].append(outcome)

    def side(member: Member) -> schemas.SweepSide:
        name = member.experiment_id
        return schemas.SweepSide(
            value=member.coordinates[found.axis],
            holds=name in found.holding,
            experiment=name,
            fitted=outcomes[name].count(Outcome.FITTED),
            seeds=len(outcomes[name]),
        )

    return [
        schemas.SweepBracket(
            coordinates={
                path: value for path, value in flip.low.coordinates.items() if path != found.axis
            },
            low=side(flip.low),
            high=side(flip.high),
            located=flip.bracket.middle is None,
            middle=None if flip.blocked_by else flip.bracket.middle,
            blocked_by=flip.blocked_by and flip.blocked_by.experiment_id,
        )
        for flip in found.flips
    ]


def _axis(sweep: Sweep, path: str) -> FieldAxis:
    axes = sweep.spec.axes
    axis = next((a for a in nested(axes) if isinstance(a, FieldAxis) and a.path == path), None)
    if axis is None:
        raise Invalid(unknown("/axis", "path", path, paths(axes)))
    others = next(group for group in sweep.spec.groups if path in group)
    if len(others) > 1:
        named = ", ".join(other for other in others if other != path)
        message = f"advances together with {named}; refine an axis that varies by itself"
        raise Invalid(Problem("/axis", "not_alone", message, path))
    return axis


def _require_comparable(members: Sequence[Member], path: str) -> None:
    """Raises Invalid unless all members have a number on the axis, and a value on every other."""
    every = {name for member in members for name in member.coordinates}
    for member in members:
        if missing := sorted(every - member.coordinates.keys()):
            message = f"some experiments have no {missing[0]}: extend the sweep by that axis first"
            raise Invalid(Problem("/axis", "ragged", message, path))
        value = member.coordinates[path]
        if not is_number(value):
            message = "has values that are not numbers, so none lies between two of them"
            raise Invalid(Problem("/axis", "not_numeric", message, path))


def _halving(axis: FieldAxis, values: Sequence[float], asked: schemas.Refinement) -> Halving:
    is_whole = axis.path in whole_fields()
    scale: Scale = asked.scale or _scale(axis, values, is_whole=is_whole)
    if scale == "log" and min(values, default=1) <= 0:
        message = "a logarithmic scale needs positive values; the axis has others"
        raise Invalid(Problem("/scale", "not_positive", message, scale))
    tolerance = asked.tolerance
    if tolerance is None and is_whole:
        tolerance = 1.0
    elif tolerance is None:
        width = max(values, default=0) - min(values, default=0)
        tolerance = LOG_TOLERANCE if scale == "log" else LINEAR_TOLERANCE * width
    return Halving(scale, is_whole, tolerance)


def _scale(axis: FieldAxis, values: Sequence[float], *, is_whole: bool) -> Scale:
    if isinstance(axis, DrawnAxis):
        return axis.scale
    if isinstance(axis, LogspaceAxis):
        return "log"
    is_log = isinstance(axis, ListAxis) and not is_whole and scale_of(values, LOG_RATIO) == "log"
    return "log" if is_log else "linear"


def _verdict(sweep_id: str, where: str) -> ExperimentQuery:
    """The completed experiments of the sweep for which the verdict holds."""
    try:
        parser.parse(where)
        filters = (sweep_axes.filter_of(sweep_id), f"state = {State.COMPLETED}", f"({where})")
        return ExperimentQuery.parse(" and ".join(filters))
    except BadQuery as error:
        raise error.at("/where") from None


def _lines(members: Sequence[Member], path: str) -> list[list[Member]]:
    """The members that differ only on the axis, in the order of the sweep."""
    lines: dict[tuple[str, ...], list[Member]] = {}
    for member in members:
        others = (f"{name}={key(at)}" for name, at in member.coordinates.items() if name != path)
        lines.setdefault(tuple(sorted(others)), []).append(member)
    return list(lines.values())


def _flips(
    line: Sequence[Member], path: str, holding: frozenset[str], halving: Halving
) -> list[Flip]:
    at = {m.coordinates[path]: m for m in line if m.state is State.COMPLETED}
    unknown_at = {m.coordinates[path]: m for m in line if m.state is not State.COMPLETED}
    verdicts = {value: member.experiment_id in holding for value, member in at.items()}
    return [
        Flip(
            bracket,
            at[bracket.low],
            at[bracket.high],
            None if bracket.middle is None else unknown_at.get(bracket.middle),
        )
        for bracket in brackets(verdicts, halving)
    ]
