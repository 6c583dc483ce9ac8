"""Sweeps: many experiments from one base spec and axes over its fields."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from core.spec.sweep import SweepSpec
from service import schemas
from service.context import AppContext, Context
from service.http import body, examples, openapi
from service.http.idempotency import IdempotentRequest, SubmissionAnswer, accepted
from service.http.ids import SweepId
from service.http.parameters import (
    ANONYMOUS,
    Cursor,
    IdempotencyKey,
    Limit,
    NewLimits,
    Owner,
)
from service.intake import extension
from service.intake.admission import default_options
from service.intake.bodies import parse_sweep
from service.intake.bulk import change_all, remove_sweep
from service.intake.dry_run import check_sweep
from service.intake.sweep_expansion import Expansion, expand, extended_spec
from service.notifications.targets import Notify
from store import bulk, notifications
from store.notifications import Subject
from store.queue.eta import sweep_eta
from store.states import PENDING, State
from store.sweeps import repository as sweeps
from store.sweeps import staging as sweep_staging
from store.sweeps import submission as sweep_submission
from store.sweeps import warnings
from store.sweeps.submission import SubmittedSweep

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])

ROUTE = "POST /v1/sweeps"


@router.post(
    "",
    status_code=202,
    response_model=schemas.SweepSubmission,
    responses={
        202: openapi.answer(
            "Its new experiments are queued.", examples.SWEPT, "Location", "Retry-After"
        ),
        200: openapi.answer(
            "All its experiments already existed, or a dry run.", examples.SWEEP_DRY_RUN
        )
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
    notify: Notify,
    on_duplicate: Annotated[
        Literal["reuse", "rerun"],
        Query(
            description="If equal experiments are queued, running or completed: reuse them, or run "
            "them again."
        ),
    ] = "reuse",
    dry_run: Annotated[
        bool, Query(description="Validate and estimate the sweep, but store nothing.")
    ] = False,
    owner: Owner = ANONYMOUS,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit a sweep: a base spec, and axes over any of its fields by path.

    Axes multiply; a `zip` axis contains axes that advance together. Every point must be a valid
    spec, otherwise nothing is stored and the error names the invalid point's coordinates. Equal
    experiments are computed once, as with `/v1/experiments`. A sweep becomes visible all at once.

    Under the name, base and owner of an earlier sweep, it is that sweep, unless it lacks one of its
    axes: it gets these axes and what is missing on them, with new experiments in place of those
    that failed or were cancelled. All other members stay. Without a name, the axes must be equal.
    """
    sweep = parse_sweep(content)
    idempotent = IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    )
    if not dry_run and (answer := idempotent.find_answer(context)) is not None:
        return answer
    rerun = on_duplicate == "rerun"
    if dry_run:
        checked = check_sweep(sweep, context, rerun=rerun)
        return Response(checked.model_dump_json(), media_type="application/json")
    expansion, options = expand(sweep, context), default_options(context.settings)
    draft = expansion.draft
    staged = sweep_staging.stage(context.database, draft, owner=owner, options=options, rerun=rerun)

    def make(tx: Connection) -> SubmissionAnswer:
        submitted = sweep_submission.submit(
            tx,
            draft,
            owner=owner,
            options=options,
            rerun=rerun,
            staged=staged,
        )
        subject = Subject.of_id(submitted.id)
        notifications.request(tx, subject, notify.targets, owner=owner, origin=notify.origin)
        return _answer_submitted(tx, submitted, expansion)

    return idempotent.answer(context, make)


@router.get(
    "",
    response_model=schemas.Page[schemas.SweepSummary],
    responses={200: openapi.answer("One page."), **openapi.problems(400, 503)},
)
def listing(
    context: Context, limit: Limit = 50, cursor: Cursor = None
) -> schemas.Page[schemas.SweepSummary]:
    """List all sweeps, newest first."""
    with context.database.read() as tx:
        page, next_cursor = sweeps.page(tx, limit=limit, cursor=cursor)
    return schemas.Page(
        items=[schemas.SweepSummary.from_record(sweep) for sweep in page], next=next_cursor
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
    """Read a sweep: base, axes, progress, and a page of its experiments with their coordinates."""
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
        members, next_cursor = sweeps.members(tx, sweep_id, limit=limit, cursor=cursor)
        ends = sweep_eta(tx, sweep_id, fresh_seconds=context.settings.lease_seconds)
        found = warnings.read(tx, sweep_id)
    items = [schemas.SweepMember.from_record(member) for member in members]
    page: schemas.Page[schemas.SweepMember] = schemas.Page(items=items, next=next_cursor)
    return schemas.Sweep.with_members(sweep, page, ends.seconds, found)


@router.delete(
    "/{id:experiment}",
    status_code=204,
    responses={204: {"description": "Removed."}, **openapi.problems(404, 409, 503)},
)
def remove(
    sweep_id: SweepId,
    context: Context,
    experiments: Annotated[
        Literal["keep", "delete"],
        Query(
            description="`delete`: remove its experiments too, with all their results, but not "
            "those of other sweeps."
        ),
    ] = "keep",
) -> None:
    """Remove a sweep.

    None of its experiments may be pending. They stay, with all their results, unless `experiments`
    says otherwise; nothing brings a removed one back. If one has to stay because an unfinished
    experiment starts from it, the sweep stays too, with what is left of it (409).
    """
    remove_sweep(context, sweep_id, with_experiments=experiments == "delete")


@router.post(
    "/{id:experiment}:extend",
    status_code=202,
    response_model=schemas.SweepSubmission,
    responses={
        202: openapi.answer(
            "The missing experiments are queued.", examples.SWEPT, "Location", "Retry-After"
        ),
        200: openapi.answer("Nothing was missing.") | {"model": schemas.SweepSubmission},
        **openapi.problems(400, 404, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.Extension, {"axes": examples.SWEEP_SPEC["axes"]}),
)
def extend(
    sweep_id: SweepId, context: Context, content: body.JsonBody, owner: Owner = ANONYMOUS
) -> Response:
    """Extend a sweep with wider or more axes, and run only the missing experiments.

    All its members stay, including any that the new axes leave out. Their coordinates on a new axis
    are read from their specs. An axis can't be dropped: without it, it is another sweep.
    """
    axes = body.parse(content, schemas.Extension).axes
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
    expansion = expand(extended_spec(sweep.spec, axes), context)
    extended = extension.extend(context, sweep, expansion, owner=owner)
    with context.database.read() as tx:
        status, answer = _answer_submitted(tx, extended, expansion)
    return accepted(status, answer)


@router.post(
    "/{id:experiment}:cancel",
    response_model=schemas.SweepMoved,
    responses={
        200: openapi.answer("They are cancelled, or asked to stop."),
        **openapi.problems(404, 503),
    },
)
def cancel(sweep_id: SweepId, context: Context) -> schemas.SweepMoved:
    """Cancel the pending experiments of a sweep, except those that another sweep shares."""
    with context.database.read() as tx:
        pending = sweeps.experiment_ids(tx, sweep_id, PENDING, exclusive=True)
    return _change(context, sweep_id, pending, bulk.CANCEL)


@router.post(
    "/{id:experiment}:retry",
    status_code=202,
    response_model=schemas.SweepMoved,
    responses={202: openapi.answer("Queued again."), **openapi.problems(404, 503)},
)
def retry(sweep_id: SweepId, context: Context, limits: NewLimits) -> schemas.SweepMoved:
    """Retry the failed and cancelled experiments of a sweep, with new limits on demand.

    They are queued again and continue from their last checkpoints, if they have any.
    """
    with context.database.read() as tx:
        ended = sweeps.experiment_ids(tx, sweep_id, (State.FAILED, State.CANCELLED))
    return _change(context, sweep_id, ended, bulk.retry(limits))


def _change(
    context: AppContext, sweep_id: str, experiment_ids: Sequence[str], action: bulk.Action
) -> schemas.SweepMoved:
    changed = change_all(context, action, experiment_ids).states
    with context.database.read() as tx:
        sweep = sweeps.get(tx, sweep_id)
    return schemas.SweepMoved(
        id=sweep_id,
        state=schemas.SweepState.from_counts(sweep.counts),
        changed=len(changed),
        links=schemas.SweepLinks.for_sweep(sweep_id),
    )


def _answer_submitted(
    tx: Connection, submitted: SubmittedSweep, expansion: Expansion
) -> SubmissionAnswer:
    sweep = sweeps.get(tx, submitted.id)
    reused = sum(member.reused for member in submitted.members)
    answer = schemas.SweepSubmission(
        id=sweep.id,
        name=sweep.name,
        count=sum(sweep.counts.values()),
        created=len(submitted.members) - reused,
        reused=reused,
        state=schemas.SweepState.from_counts(sweep.counts),
        warnings=expansion.warnings,
        links=schemas.SweepLinks.for_sweep(sweep.id),
    )
    return 202 if answer.created else 200, answer.model_dump(mode="json")
