"""``/sweeps/{id}``: a sweep as a map of its experiments, live while it fills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from core.figures.recipes.heatmap import THRESHOLDS
from core.labels import located, value_texts
from core.recipe import DEFAULT_METRIC
from core.result import METRICS, Outcome
from core.spec.paths import flatten
from core.statistics import most_fit
from core.symbols import quantity
from service import schemas
from service.context import Context
from service.figures import sweep_axes
from service.http.ids import SweepId
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from service.pages.frame.words import state_class
from service.pages.marks import strip
from service.pages.sweep_map.cells import KINDS, MAX_CELLS, SweepMap, shades, strips, sweep_map
from service.pages.sweep_map.choice import STATISTICS, Choice, Given, SweepAxis, axes_of, read_given
from service.pages.sweep_map.frame import Frame, edges
from service.pages.sweep_map.summary import Summary
from store.experiments import repository as experiments
from store.query import run_ends
from store.queue.eta import sweep_eta
from store.records import Progress
from store.states import State
from store.sweeps import repository as sweeps
from store.sweeps import warnings
from store.sweeps.repository import Member

router = APIRouter(include_in_schema=False)

PER_PAGE = 20

MAX_FOLLOWED = 64
"""Most running experiments whose progress is shown in their cells."""

_EXTENDABLE = ("list", "linspace", "logspace")
"""The kinds of axes to which the form adds values."""


@dataclass(frozen=True)
class Row:
    """A member in the table.

    Attributes:
        coordinates: Its values on the axes, as texts.
        ticks: Its strip.
        fitted, seeds: Numbers of seeds; None before it is completed.
    """

    member: Member
    coordinates: Sequence[str]
    state: str
    ticks: Sequence[strip.Tick]
    fitted: int | None
    seeds: int | None


@router.get("/sweeps/{id:experiment}")
def sweep(
    request: Request,
    sweep_id: SweepId,
    context: Context,
    given: Annotated[Given, Depends(read_given)],
    cursor: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> HTMLResponse:
    """Show a sweep."""
    with context.database.read() as tx:
        found = sweeps.get(tx, sweep_id)
        members, _ = sweeps.members(tx, found.id)
        axes = axes_of(found, members)
        choice = Choice.of(axes, given)
        with sweep_axes.reading_runs():
            runs = run_ends.completed_runs(tx, sweep_axes.query(found.id), [choice.y])
        of_page, next_cursor = sweeps.members(tx, found.id, limit=PER_PAGE, cursor=cursor)
        ends = _ends(tx, of_page)
        running = [member.experiment_id for member in members if member.state is State.RUNNING]
        progress = {name: _progress(tx, name) for name in running[:MAX_FOLLOWED]}
        left = sweep_eta(tx, found.id, fresh_seconds=context.settings.lease_seconds)
        noted = warnings.read(tx, found.id)
        now = readout(tx, context)
    shown = choice.members(members)
    drawn = None
    if choice.x is not None and choice.count_cells() <= MAX_CELLS:
        drawn = sweep_map(found.id, choice, shown, runs)
    if drawn is not None and choice.series is None:
        drawn = strips(drawn, choice, runs)
    outcomes = [outcome for each in runs.values() for outcome in each.outcomes.tolist()]
    return page(
        request,
        "sweep.html",
        readout=now,
        summary=Summary.from_record(found),
        eta=left,
        warnings=[located(one.message, one.first, one.experiments) for one in noted],
        choice=choice,
        axes=axes,
        map=drawn,
        frame=_frame(choice, drawn),
        known=quantity(choice.y),
        edges=_edges(choice, drawn),
        shades=shades(),
        kinds=KINDS,
        progress=progress,
        metrics=[(name, quantity(name).words) for name in METRICS],
        statistics=STATISTICS,
        figure=choice.figure(found.id),
        recipe=choice.recipe(found.id),
        table=_table(found.id, choice),
        has_figure=bool(runs),
        fitted=outcomes.count(Outcome.FITTED),
        diverged=outcomes.count(Outcome.DIVERGED),
        seeds=len(outcomes),
        extendable=[axis["path"] for axis in found.axes if axis["kind"] in _EXTENDABLE],
        refinable=[a for a in axes.values() if a.is_numeric and len(a.moves_with) == 1],
        verdict=schemas.DEFAULT_VERDICT,
        fields=[path for path, _ in flatten(found.base)],
        values={path: axis.values for path, axis in axes.items()},
        rows=_rows(axes, of_page, ends),
        cursor=cursor,
        next=next_cursor,
        spec_json=schemas.to_json({"base": found.base, "axes": found.axes}).decode(),
    )


def _frame(choice: Choice, drawn: SweepMap | None) -> Frame | None:
    if drawn is None or choice.x is None:
        return None
    y = None if choice.series is None else choice.axes[choice.series]
    if y is not None and choice.is_scattered:
        return Frame.of_points(choice.axes[choice.x], y, len(drawn.panels))
    return Frame.of(choice.axes[choice.x], y, len(drawn.panels))


def _edges(choice: Choice, drawn: SweepMap | None) -> list[str]:
    """For each panel, the path where the metric crosses its threshold; "" if it has none."""
    frame, at = _frame(choice, drawn), THRESHOLDS.get(choice.y)
    if drawn is None or frame is None:
        return []
    if choice.is_scattered:
        return ["" for _ in drawn.panels]
    return ["" if at is None else edges(panel, frame, at) for panel in drawn.panels]


def _table(sweep_id: str, choice: Choice) -> str:
    """The address of the numbers of the map as CSV; all its experiments if an axis has objects."""
    numbers = {"metrics": choice.y, "statistic": choice.statistic, "format": "csv", "safe": "true"}
    if choice.recipe(sweep_id) is None:
        return f"/v1/sweeps/{sweep_id}/table?{urlencode(numbers)}"
    by = ",".join(path for path in (choice.x, choice.series, choice.facets) if path)
    return f"/v1/table?{urlencode({'q': choice.query(sweep_id), 'by': by, **numbers})}"


def _progress(tx: Connection, experiment_id: str) -> Progress | None:
    return experiments.get(tx, experiment_id).progress


def _ends(tx: Connection, members: Sequence[Member]) -> dict[str, list[tuple[Outcome, float]]]:
    """The outcome and relative error of each seed of the completed members."""
    ids = [member.experiment_id for member in members if member.state is State.COMPLETED]
    runs = run_ends.final_metrics(tx, ids, [DEFAULT_METRIC])
    ends: dict[str, list[tuple[Outcome, float]]] = {name: [] for name in ids}
    for index, outcome, value in zip(
        runs.experiment_index.tolist(),
        runs.outcomes.tolist(),
        runs.values[:, 0].tolist(),
        strict=True,
    ):
        ends[ids[index]].append((Outcome(outcome), value))
    return ends


def _rows(
    axes: Mapping[str, SweepAxis],
    members: Sequence[Member],
    ends: Mapping[str, Sequence[tuple[Outcome, float]]],
) -> list[Row]:
    texts = [value_texts([member.coordinates.get(path) for member in members]) for path in axes]
    rows = []
    for place, member in enumerate(members):
        seeds = ends.get(member.experiment_id)
        outcomes = [outcome for outcome, _ in seeds or ()]
        fitted = outcomes.count(Outcome.FITTED)
        state = state_class(
            member.state,
            fitted=most_fit(fitted, len(outcomes)),
            diverged=2 * outcomes.count(Outcome.DIVERGED) > len(outcomes),
        )
        rows.append(
            Row(
                member,
                [column[place] for column in texts],
                state,
                strip.ticks(seeds or ()),
                None if seeds is None else fitted,
                None if seeds is None else len(outcomes),
            )
        )
    return rows
