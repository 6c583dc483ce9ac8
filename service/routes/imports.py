"""``POST /v1/imports``: stores runs that were computed elsewhere beside the lab's own."""

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from service import schemas
from service.context import Context
from service.http import body, examples, openapi
from service.http.idempotency import IdempotentRequest, SubmissionAnswer
from service.http.parameters import ANONYMOUS, IdempotencyKey, Owner
from service.intake import import_file
from store.experiments import imports

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
    submitted = body.parse(content, schemas.Import)
    sha256 = hashlib.sha256(submitted.content.encode()).hexdigest()
    tag = f"import:{sha256[:12]}"
    tags = (*submitted.tags, tag)
    imported = import_file.read(
        submitted.file, submitted.content, submitted.base, submitted.columns, tags
    )
    if dry_run:
        answer = schemas.Imported.from_record(sha256, tag, imported, None)
        return Response(answer.model_dump_json(), media_type="application/json")
    meaning = json.dumps([submitted.base, submitted.columns], sort_keys=True)
    digest = hashlib.sha256(f"{sha256}\0{meaning}".encode()).hexdigest()
    provenance = {"file": submitted.file, "sha256": sha256}
    if submitted.origin:
        provenance["origin"] = submitted.origin

    def make(tx: Connection) -> SubmissionAnswer:
        submissions = imports.add(tx, imported, digest=digest, owner=owner, provenance=provenance)
        answer = schemas.Imported.from_record(sha256, tag, imported, submissions)
        all_reused = all(submission.reused for submission in submissions)
        return 200 if all_reused else 201, answer.model_dump(mode="json")

    return IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    ).answer(context, make)
