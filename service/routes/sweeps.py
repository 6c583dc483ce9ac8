"""Sweeps: many experiments from one base and axes over its fields, submitted, extended, cancelled and retried whole."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from core.spec.sweep import SweepSpec
from service import schemas
from service.context import AppContext, Context
from service.http import body, examples, openapi
from service.http.idempotency import IdempotentRequest, SubmissionAnswer, accepted
from service.http.ids import SweepId
from service.http.parameters import ANONYMOUS, Cursor, IdempotencyKey, Limit, Owner
from service.intake.bulk import moved
from service.intake.sweep_expansion import Expansion, expand
from store.experiments import repository as experiments
from store.experiments import submission
from store.experiments.submission import Options
from store.states import PENDING, State
from store.sweeps import repository as sweeps

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])

ROUTE = "POST /v1/sweeps"
FEW = 5
"""Points that a dry run shows."""


@router.post(
    "",
    status_code=202,
    response_model=schemas.SweepSubmission,
    responses={
        202: openapi.answer(
            "Its new experiments are queued.", examples.SWEPT, "Location", "Retry-After"
        ),
        200: openapi.answer("All its experiments were there, or a dry run.", examples.SWEEP_DRY_RUN)
        | {"model": schemas.SweepSubmission | schemas.SweepDryRun},
        **openapi.problems(400, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(SweepSpec, examples.SWEEP_SPEC),
)
def submit(
    *,
    request: Request,
    context: Context,
    content: body.JsonBody,
    on_duplicate: Annotated[
        Literal["reuse", "rerun"],
        Query(
            description="What to do with experiments that are queued, running or completed: take them, or run again"
        ),
    ] = "reuse",
    dry_run: Annotated[
        bool, Query(description="Only say what the sweep would be; nothing is stored.")
    ] = False,
    owner: Owner = ANONYMOUS,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit a sweep: a base spec, and axes over any of its fields by path.

    Axes multiply; a `zip` axis has axes in it that advance together. Every point has to be a valid
    spec, or nothing is stored; an invalid one is named with its coordinates. Equal experiments are
    computed once, as with `/v1/experiments`. The sweep is seen whole or not at all. An equal sweep
    of the same name and owner is taken instead of a new one: what failed or was cancelled in it has
    a new experiment then.
    """
    sweep = body.parse(content, SweepSpec)
    expansion = expand(sweep, context)
    if dry_run:
        return _dry(sweep, expansion, context, rerun=on_duplicate == "rerun")

    draft, rerun = expansion.draft, on_duplicate == "rerun"
    arrival = sweeps.bring(context.database, draft, owner=owner, options=Options(), rerun=rerun)

    def make(tx: Connection) -> SubmissionAnswer:
        made = sweeps.submit(
            tx, draft, owner=owner, options=Options(), rerun=rerun, arrival=arrival
        )
        return _submitted(tx, made, expansion)

    return IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    ).answer(context, make)


@router.get(
    "",
    response_model=schemas.Page[schemas.SweepSummary],
    responses={200: openapi.answer("One page."), **openapi.problems(400, 503)},
)
def listing(
    context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.SweepSummary]:
    """List sweeps, the newest first."""
    with context.database.read() as tx:
        found, following = sweeps.page(tx, limit=limit, cursor=cursor)
    return schemas.Page(
        items=[schemas.SweepSummary.from_record(sweep) for sweep in found], next=following
    )


@router.get(
    "/{id:experiment}",
    response_model=schemas.Sweep,
    responses={
        200: openapi.answer("The sweep.", examples.SWEEP),
        **openapi.problems(400, 404, 503),
    },
)
def one(
    sweep_id: SweepId, context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Sweep:
    """Read a sweep: base, axes, how far it is, and a page of its experiments with their coordinates."""
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
        members, following = sweeps.members(tx, sweep_id, limit=limit, cursor=cursor)
    items = [schemas.SweepMember.from_record(member) for member in members]
    page: schemas.Page[schemas.SweepMember] = schemas.Page(items=items, next=following)
    return schemas.Sweep.with_members(sweep, page)


@router.delete(
    "/{id:experiment}",
    status_code=204,
    responses={204: {"description": "It is gone."}, **openapi.problems(404, 409, 503)},
)
def remove(sweep_id: SweepId, context: Context) -> None:
    """Remove a sweep of which nothing is pending. Its experiments stay, with all their results."""
    with context.database.write() as tx:
        sweeps.remove(tx, sweep_id)


@router.post(
    "/{id:experiment}:extend",
    status_code=202,
    response_model=schemas.SweepSubmission,
    responses={
        202: openapi.answer(
            "What was missing is queued.", examples.SWEPT, "Location", "Retry-After"
        ),
        200: openapi.answer("Nothing was missing.") | {"model": schemas.SweepSubmission},
        **openapi.problems(400, 404, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.Extension, {"axes": examples.SWEEP_SPEC["axes"]}),
)
def extend(
    sweep_id: SweepId, context: Context, content: body.JsonBody, owner: Owner = ANONYMOUS
) -> Response:
    """Give a sweep other axes, wider or more of them, and run only what is missing.

    Its members stay, also those that the new axes leave out. On an axis that is new they lie where
    their specs do.
    """
    axes = body.parse(content, schemas.Extension).axes
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id).spec
    expansion = expand(sweep.model_copy(update={"axes": axes}), context)
    arrival = sweeps.bring_more(
        context.database, sweep_id, expansion.draft, owner=owner, options=Options()
    )
    with context.database.write() as tx:
        made = sweeps.extend(
            tx, sweep_id, expansion.draft, owner=owner, options=Options(), arrival=arrival
        )
        status, answer = _submitted(tx, made, expansion)
    return accepted(status, answer)


@router.post(
    "/{id:experiment}:cancel",
    response_model=schemas.SweepMoved,
    responses={
        200: openapi.answer("They are cancelled, or about to be."),
        **openapi.problems(404, 503),
    },
)
def cancel(sweep_id: SweepId, context: Context) -> schemas.SweepMoved:
    """Cancel every queued, running or paused experiment of a sweep, but those that another sweep has too."""
    with context.database.read() as tx:
        pending = sweeps.ids(tx, sweep_id, PENDING, alone=True)
    return _moved(context, sweep_id, pending, experiments.request_cancel)


@router.post(
    "/{id:experiment}:retry",
    status_code=202,
    response_model=schemas.SweepMoved,
    responses={202: openapi.answer("They are queued again."), **openapi.problems(404, 503)},
)
def retry(sweep_id: SweepId, context: Context) -> schemas.SweepMoved:
    """Queue every failed or cancelled experiment of a sweep again; each resumes where it was, if it got so far."""
    with context.database.read() as tx:
        ended = sweeps.ids(tx, sweep_id, (State.FAILED, State.CANCELLED))
    return _moved(context, sweep_id, ended, experiments.retry)


def _moved(
    context: AppContext, sweep_id: str, ids: Sequence[str], move: Callable[[Connection, str], State]
) -> schemas.SweepMoved:
    changed = len(moved(context, ids, move))
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
    links = schemas.SweepLinks.for_sweep(sweep_id)
    return schemas.SweepMoved(
        id=sweep_id,
        state=schemas.SweepState.from_counts(sweep.counts),
        changed=changed,
        links=links,
    )


def _submitted(tx: Connection, made: sweeps.Submitted, expansion: Expansion) -> SubmissionAnswer:
    sweep = sweeps.get(tx, made.id)
    reused = sum(member.reused for member in made.members)
    answer = schemas.SweepSubmission(
        id=made.id,
        name=sweep.name,
        count=sum(sweep.counts.values()),
        created=len(made.members) - reused,
        reused=reused,
        state=schemas.SweepState.from_counts(sweep.counts),
        warnings=_warnings(expansion),
        links=schemas.SweepLinks.for_sweep(made.id),
    )
    return 202 if answer.created else 200, answer.model_dump(mode="json")


def _dry(sweep: SweepSpec, expansion: Expansion, context: AppContext, *, rerun: bool) -> Response:
    points = expansion.draft.points
    with context.database.read() as tx:
        reused = 0 if rerun else len(submission.equals(tx, [point.spec_hash for point in points]))
    answer = schemas.SweepDryRun(
        name=sweep.name,
        count=len(points),
        created=len(points) - reused,
        reused=reused,
        cost=schemas.CostEstimate.from_record(expansion.cost),
        warnings=_warnings(expansion),
        points=[
            schemas.SweepPoint(coordinates=point.coordinates, spec_hash=point.spec_hash)
            for point in points[:FEW]
        ],
    )
    return Response(answer.model_dump_json(), media_type="application/json")


def _warnings(expansion: Expansion) -> list[schemas.SweepWarning]:
    return [
        schemas.SweepWarning(
            message=doubt.message, first=dict(doubt.first), experiments=doubt.experiments
        )
        for doubt in expansion.doubts
    ]
