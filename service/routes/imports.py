"""``POST /v1/imports``: runs that were computed elsewhere come to stand beside the lab's own, and say so."""

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
from service.intake.import_file import read
from store.experiments import imports

router = APIRouter(tags=["experiments"])

ROUTE = "POST /v1/imports"


@router.post(
    "/v1/imports",
    status_code=201,
    response_model=schemas.Imported,
    responses={
        201: openapi.answer("They are there.", examples.IMPORTED, "Location"),
        200: openapi.answer("All of them were there (`reused`), or a dry run.")
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
        bool, Query(description="Only say what the file holds; nothing is stored.")
    ] = False,
    owner: Owner = ANONYMOUS,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Import runs from a file, a row for each run, or for each recorded point where there is a column `step`.

    Columns are the spec's fields by their paths (`training.length`), `seed`, `outcome`, `steps`,
    and metrics; rows with equal fields are the seeds of one experiment. They are `completed` with
    `source` `import`, found by the tag in the answer, and never taken for what was computed context:
    an equal spec that is submitted is run. The same file again is reused.
    """
    wanted = body.parse(content, schemas.Import)
    sha256 = hashlib.sha256(wanted.content.encode()).hexdigest()
    tag = f"import:{sha256[:12]}"
    found = read(wanted.file, wanted.content, wanted.base, wanted.columns, (*wanted.tags, tag))
    if dry_run:
        answer = schemas.Imported.from_record(sha256, tag, found, None)
        return Response(answer.model_dump_json(), media_type="application/json")
    how = json.dumps([wanted.base, wanted.columns], sort_keys=True)
    digest = hashlib.sha256(f"{sha256}\0{how}".encode()).hexdigest()
    provenance = {"file": wanted.file, "sha256": sha256, "origin": wanted.origin}

    def make(tx: Connection) -> SubmissionAnswer:
        told = {name: value for name, value in provenance.items() if value}
        submissions = imports.add(tx, found, digest=digest, owner=owner, provenance=told)
        status = 200 if all(one.reused for one in submissions) else 201
        return status, schemas.Imported.from_record(sha256, tag, found, submissions).model_dump(
            mode="json"
        )

    return IdempotentRequest.from_request(
        request, content, route=ROUTE, owner=owner, key=idempotency_key
    ).answer(context, make)
