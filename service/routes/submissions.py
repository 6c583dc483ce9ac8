"""``POST /v1/experiments``: submits a spec as an experiment, or reuses an equal one."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime
from sqlalchemy import Connection

from core.spec import ExperimentSpec
from service import schemas
from service.context import Context
from service.http import body, examples, openapi
from service.http.idempotency import IdempotentRequest, SubmissionAnswer
from service.http.parameters import ANONYMOUS, IdempotencyKey, Owner
from service.intake.admission import admit
from service.intake.bodies import parse_experiment
from service.intake.dry_run import check_spec
from service.intake.sources import with_source_id
from service.notifications.targets import Notify
from store import notifications
from store.experiments import submission
from store.experiments.draft import MAX_MEMORY_MB, MAX_PRIORITY, MAX_SECONDS, Draft, Options
from store.notifications import Subject

router = APIRouter(tags=["experiments"])

ROUTE = "POST /v1/experiments"


def _within_range(moment: datetime) -> datetime:
    if not 1970 <= moment.year < 9999:  # in another time zone, the year 9999 may overflow
        raise ValueError("should be from 1970 to 9998")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_within_range)]


async def _options(
    context: Context,
    priority: Annotated[
        int,
        Query(
            ge=-MAX_PRIORITY, le=MAX_PRIORITY, description="Higher priorities are claimed first."
        ),
    ] = 0,
    not_before: Annotated[
        Moment | None,
        Query(description="Earliest start, such as `2026-11-30T22:00:00Z`."),
    ] = None,
    max_seconds: Annotated[
        float | None,
        Query(
            gt=0,
            le=MAX_SECONDS,
            description="Limit on training time in seconds, over all attempts; beyond it the "
            "experiment fails with `timeout`. Default: the lab's `EXTRAPOLAB_MAX_SECONDS`, if it "
            "has one.",
        ),
    ] = None,
    max_memory_mb: Annotated[
        int | None,
        Query(
            ge=1,
            le=MAX_MEMORY_MB,
            description="Limit on memory in MB; beyond it the experiment fails with "
            "`out_of_memory`.",
        ),
    ] = None,
) -> Options:
    return Options(
        priority=priority,
        not_before=not_before.timestamp() if not_before else None,
        max_seconds=max_seconds or context.settings.max_seconds,
        max_memory_mb=max_memory_mb,
    )


@router.post(
    "/v1/experiments",
    status_code=202,
    response_model=schemas.Submission,
    responses={
        202: openapi.answer("Queued.", examples.SUBMISSION, "Location", "Retry-After"),
        200: openapi.answer("An equal experiment (`reused`), or a dry run.", examples.DRY_RUN)
        | {"model": schemas.Submission | schemas.DryRun},
        **openapi.problems(400, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(ExperimentSpec, examples.SPEC),
)
def submit(
    *,
    request: Request,
    context: Context,
    content: body.JsonBody,
    options: Annotated[Options, Depends(_options)],
    notify: Notify,
    on_duplicate: Annotated[
        Literal["reuse", "rerun"],
        Query(
            description="If an equal experiment is queued, running or completed: reuse it, or run "
            "it again."
        ),
    ] = "reuse",
    dry_run: Annotated[
        bool, Query(description="Validate and estimate the submission, but store nothing.")
    ] = False,
    owner: Owner = ANONYMOUS,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit an experiment.

    The body is a spec (`/v1/schema`). Equal specs are computed once: a repeated submission adds its
    tags to the existing experiment. Failed and cancelled experiments are not reused.
    """
    spec = parse_experiment(content)
    if dry_run:
        checked = check_spec(spec, context)
        return Response(checked.model_dump_json(), media_type="application/json")
    spec = with_source_id(spec, context)
    _, warnings = admit(spec, context.settings)
    draft = Draft.from_spec(spec)

    def make(tx: Connection) -> SubmissionAnswer:
        submitted = submission.submit_one(
            tx,
            draft,
            owner=owner,
            options=options,
            warnings=warnings,
            rerun=on_duplicate == "rerun",
        )
        subject = Subject.of_id(submitted.id)
        notifications.request(tx, subject, notify.targets, owner=owner, origin=notify.origin)
        answer = schemas.Submission.from_record(submitted)
        return 200 if submitted.reused else 202, answer.model_dump(mode="json")

    return IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    ).answer(context, make)
