"""``/studies`` and ``/studies/{name}``: questions, the claims that answer them, and verdicts."""

import time
from dataclasses import dataclass
from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from core.figures import STUDY_FIGURES
from core.studies import STUDIES, Size, Study, Verdict
from service import schemas
from service.context import Context
from service.pages.frame.readout import readout
from service.pages.frame.rendering import page
from service.pages.marks.bullet import Bullet, bullet
from service.stored_study import Verdicts, find_study, known_verdicts, missing_time, verdicts
from store.queue.eta import eta
from store.states import PENDING, State

router = APIRouter(include_in_schema=False, prefix="/studies")

SIZES: tuple[Size, ...] = get_args(Size)

JUDGING_SECONDS = 0.2
"""Time after which the list of studies judges no further one: it is asked again."""


@dataclass(frozen=True)
class Summary:
    """A study in one size.

    Attributes:
        state: The state of its experiments as a whole.
        done: The number of its completed experiments, of ``expected``.
        is_running: Whether experiments of it are waiting or running.
        is_judged: Whether its claims have been judged.
        holds, fails, not_run: Numbers of claims by verdict.
    """

    size: Size
    state: schemas.StudyState
    done: int
    expected: int
    is_running: bool
    is_judged: bool
    holds: int
    fails: int
    not_run: int

    @classmethod
    def of(cls, size: Size, judged: Verdicts) -> "Summary":
        """Counts the claims and experiments of a judged study."""
        given = [claim.verdict for claim in judged.claims]
        return cls(
            size,
            schemas.StudyState.from_states(judged.expected, judged.states),
            judged.states.count(State.COMPLETED),
            judged.expected,
            any(state in PENDING for state in judged.states),
            judged.is_judged,
            given.count(Verdict.HOLDS),
            given.count(Verdict.FAILS),
            given.count(Verdict.NOT_RUN),
        )


@router.get("")
def studies(request: Request, context: Context) -> HTMLResponse:
    """Show all studies with their verdicts."""
    with context.database.read() as tx:
        _judge_some(tx)
        rows = [(study, _summaries(tx, study)) for study in STUDIES.values()]
        now = readout(tx, context)
    return page(request, "studies.html", readout=now, rows=rows, sizes=SIZES)


@router.get("/{name}")
def study(request: Request, name: str, context: Context, size: Size | None = None) -> HTMLResponse:
    """Show a study: its question, claims, figure and experiments."""
    chosen = find_study(name)
    with context.database.read() as tx:
        summaries = _summaries(tx, chosen)
        shown = size or _best(summaries)
        judged = verdicts(tx, name, shown)
        ends = eta(tx, judged.experiment_ids, fresh_seconds=context.settings.lease_seconds)
        missing = missing_time(tx, name, shown, fresh_seconds=context.settings.lease_seconds)
        now = readout(tx, context)
    marks: list[tuple[object, Bullet]] = [(claim, bullet(claim)) for claim in judged.claims]
    return page(
        request,
        "study.html",
        readout=now,
        study=chosen,
        size=shown,
        summaries=summaries,
        summary=summaries[shown],
        eta=ends,
        missing=missing,
        claims=marks,
        figures=list(STUDY_FIGURES) if summaries[shown].done else [],
        query=f"tag:study:{name} and tag:size:{shown}",
    )


def _judge_some(tx: Connection) -> None:
    """Judges studies for a while, quick ones first; the page says which remain."""
    spent = 0.0
    for study in sorted(STUDIES.values(), key=lambda study: study.reads_responses):
        for size in SIZES:
            if spent < JUDGING_SECONDS and not known_verdicts(tx, study.name, size).is_judged:
                begun = time.monotonic()
                verdicts(tx, study.name, size)
                spent += time.monotonic() - begun


def _summaries(tx: Connection, study: Study) -> dict[Size, Summary]:
    return {size: Summary.of(size, known_verdicts(tx, study.name, size)) for size in SIZES}


def _best(summaries: dict[Size, Summary]) -> Size:
    """The largest size that has begun; the smallest if none has."""
    begun = [size for size in SIZES if summaries[size].done or summaries[size].is_running]
    return begun[-1] if begun else SIZES[0]
