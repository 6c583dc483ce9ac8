"""``POST /v1/imports``: stores runs that were computed elsewhere beside the lab's own."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.background import BackgroundTask

from service import schemas
from service.context import Context
from service.http import body, examples, openapi
from service.http.idempotency import IdempotentRequest
from service.http.parameters import ANONYMOUS, IdempotencyKey, Owner
from service.http.request_id import request_id
from service.intake import import_jobs as running
from service.intake.import_file import MAX_EXPERIMENTS
from service.intake.import_jobs import FileImport
from service.intake.import_rows import FORMATS, MAX_ROWS
from service.schemas.imports import MAX_COLUMNS
from store.experiments import import_jobs

router = APIRouter(tags=["experiments"])

ROUTE = "POST /v1/imports"


@router.post(
    "/v1/imports",
    status_code=201,
    response_model=schemas.Imported,
    responses={
        201: openapi.answer("Imported.", examples.IMPORTED, "Location"),
        200: openapi.answer("All of them existed (`reused`), or a dry run.")
        | {"model": schemas.Imported},
        202: openapi.answer("In the background.", examples.IMPORT_JOB, "Location", "Retry-After")
        | {"model": schemas.ImportJob},
        **openapi.problems(400, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.Import, examples.IMPORT),
)
def take(
    *,
    request: Request,
    context: Context,
    content: body.JsonBody,
    dry_run: Annotated[
        bool, Query(description="Report what the file holds, but store nothing.")
    ] = False,
    background: Annotated[
        bool,
        Query(
            description="Answer at once with 202 and the state of the import, which `Location` has "
            "until a day after its end. The same file from the same owner is imported once at a "
            "time, whatever the `Idempotency-Key`."
        ),
    ] = False,
    owner: Owner = ANONYMOUS,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Import runs from a file.

    The file has a row for each run or, with a column `step`, for each recorded point. Columns are
    the spec's fields by their paths (`training.length`), `seed`, `outcome`, `steps`, and metrics;
    rows with equal fields are the seeds of one experiment. Imported experiments are `completed`
    with `source` `import`, and the tag in the answer finds them. They never stand in for computed
    ones: submitting an equal spec runs it. Importing the same file again reuses its experiments.
    """
    file = FileImport(body.parse(content, schemas.Import), owner)
    if background:
        job_id = file.job_id(dry_run=dry_run)
        with context.database.write() as tx:
            is_new = import_jobs.start(tx, job_id)
            job = schemas.ImportJob.from_record(import_jobs.get(tx, job_id))
        task = BackgroundTask(
            running.run, context, job_id, file, request_id(request), dry_run=dry_run
        )
        return Response(
            job.model_dump_json(),
            202,
            {"Location": job.links.self_, "Retry-After": "1"},
            "application/json",
            background=task if is_new else None,
        )
    imported = file.read()
    if dry_run:
        return Response(file.checked(imported).model_dump_json(), media_type="application/json")
    return IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    ).answer(context, lambda tx: file.store(tx, imported))


@router.get(
    "/v1/imports",
    response_model=schemas.ImportLimits,
    responses={
        200: openapi.answer("The limits.", examples.IMPORT_LIMITS),
        **openapi.problems(422),
    },
)
def limits(context: Context) -> Response:
    """Get how large an imported file can be."""
    answer = schemas.ImportLimits(
        max_bytes=context.settings.max_body_bytes,
        max_rows=MAX_ROWS,
        max_columns=MAX_COLUMNS,
        max_experiments=MAX_EXPERIMENTS,
        formats=list(FORMATS),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get(
    "/v1/imports/{import_id}",
    response_model=schemas.ImportJob,
    responses={
        200: openapi.answer("The import.", examples.IMPORT_JOB),
        **openapi.problems(404, 503),
    },
)
def state(
    context: Context, import_id: Annotated[str, Path(pattern="^imp_[0-9a-f]{64}", max_length=68)]
) -> Response:
    """Get the state of an import in the background; it is kept for a day after its end."""
    with context.database.read() as tx:
        job = schemas.ImportJob.from_record(import_jobs.get(tx, import_id))
    return Response(job.model_dump_json(), media_type="application/json")
