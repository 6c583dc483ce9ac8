"""``/experiments/{id}``: one experiment, live while it trains."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from core.labels import how_many, value_text
from core.result import SERIES, Outcome
from core.spec import ExperimentSpec, channels, has_closed_form
from core.spec.difference import differences
from core.spec.experiment import METADATA
from core.statistics import most_fit
from core.symbols import quantity
from service import schemas
from service.context import Context
from service.http.ids import ExperimentId, complete_id
from service.intake.theorem import check_theorem
from service.pages.frame.notes import to_html
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from service.pages.frame.spec_table import fields_by_part
from service.pages.frame.words import state_class
from service.pages.marks import strip
from store.experiments import repository as experiments
from store.queue.position import queue_position
from store.records import EventKind, Experiment, RunRecord
from store.states import State

router = APIRouter(include_in_schema=False)

_EVENT_WORDS = {
    EventKind.CHECKPOINT_CORRUPT: "a damaged checkpoint was left out",
    EventKind.CANCEL_REQUESTED: "asked to stop",
    EventKind.PAUSE_REQUESTED: "asked to pause",
    EventKind.PAUSE_WITHDRAWN: "asked to go on",
    EventKind.HANDED_BACK: "handed back by its worker",
    EventKind.LEASE_EXPIRED: "its worker was lost",
    EventKind.ATTEMPT_FAILED: "the attempt failed",
}


@router.get("/experiments/{id:experiment}")
def experiment(
    request: Request,
    experiment_id: ExperimentId,
    context: Context,
    against: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
) -> HTMLResponse:
    """Show an experiment."""
    other_id = None if against is None else complete_id(context, against, "/query/against")
    with context.database.read() as tx:
        shown = experiments.get(tx, experiment_id)
        other = None if other_id is None else experiments.get(tx, other_id)
        is_waiting = shown.state is State.QUEUED
        place = (
            queue_position(tx, shown.id, fresh_seconds=context.settings.lease_seconds)
            if is_waiting
            else None
        )
        history, logs = experiments.events(tx, shown.id), experiments.logs(tx, shown.id)
        now = readout(tx, context)
    spec = _spec(shown)
    return page(
        request,
        "experiment.html",
        readout=now,
        experiment=shown,
        facts=Facts.of(shown),
        caveats=[(run.seed, caveat) for run in shown.runs for caveat in run.warnings],
        place=place,
        history=[(event, _EVENT_WORDS.get(event.kind, str(event.kind))) for event in history],
        log=logs[-1].text if logs else "",
        attempts=len(logs),
        theorem=_theorem(spec, shown.runs),
        parts=fields_by_part(shown.content, spec),
        spec_json=schemas.to_json(shown.content).decode(),
        other=other,
        differences=None if other is None else _differences(shown, other),
        notes=to_html(shown.content["notes"]),
        metrics=[(name, quantity(name).words) for name in SERIES],
        channels=(1, 1) if spec is None else channels(spec.teacher),
        is_linear=spec is not None and has_closed_form(spec.teacher, spec.student),
    )


@dataclass(frozen=True)
class Facts:
    """The seeds of an experiment, counted.

    Attributes:
        seeds: The number of seeds.
        ticks: The strip's.
        state: The class of the state's mark.
        words: The state in words, with how its seeds ended.
    """

    seeds: int
    ticks: list[strip.Tick]
    state: str
    words: str

    @classmethod
    def of(cls, experiment: Experiment) -> "Facts":
        """Counts the seeds of an experiment."""
        outcomes = [run.outcome for run in experiment.runs]
        fitted, diverged = outcomes.count(Outcome.FITTED), outcomes.count(Outcome.DIVERGED)
        seeds = len(outcomes)
        state = state_class(
            experiment.state, fitted=most_fit(fitted, seeds), diverged=2 * diverged > seeds
        )
        words = str(experiment.state)
        if experiment.state is State.COMPLETED:
            words = f"completed, {fitted} of {how_many(seeds, 'seed')} fit"
            if diverged:
                words += f", {diverged} diverged"
        ticks = strip.ticks((run.outcome, _error(run)) for run in experiment.runs)
        return cls(seeds, ticks, state, words)


def _error(run: RunRecord) -> float | None:
    return run.summary.get("relative_extrapolation_error")


def _spec(experiment: Experiment) -> ExperimentSpec | None:
    """The validated spec; None if it was stored by a version with another language."""
    try:
        return experiment.spec
    except ValidationError:
        return None


def _theorem(spec: ExperimentSpec | None, runs: Iterable[RunRecord]) -> schemas.Theorem:
    if spec is None:
        return schemas.Theorem.unchecked("This version can't read the spec.")
    return check_theorem(spec, runs)


def _differences(one: Experiment, other: Experiment) -> list[tuple[str, ...]]:
    """The path of each field that differs, with both values."""
    contents = [
        {name: value for name, value in each.content.items() if name not in METADATA}
        for each in (one, other)
    ]
    return [
        (difference.path, *(value_text(value, 17) for value in difference.values))
        for difference in differences(contents)
    ]
