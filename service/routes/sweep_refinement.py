"""Refinement of a sweep where a verdict flips."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from service import schemas
from service.context import Context
from service.http import body, openapi, refinement_examples
from service.http.idempotency import accepted
from service.http.ids import SweepId
from service.http.parameters import ANONYMOUS, Owner
from service.intake import refinement

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])


@router.post(
    "/{id:experiment}:refine",
    status_code=202,
    response_model=schemas.SweepRefinement,
    responses={
        202: openapi.answer(
            "The experiments in the middles are queued.",
            refinement_examples.REFINED,
            "Location",
            "Retry-After",
        ),
        200: openapi.answer("Every flip is located, there is none, or a dry run.")
        | {"model": schemas.SweepRefinement},
        **openapi.problems(400, 404, 409, 413, 415, 503),
    },
    openapi_extra=openapi.body(schemas.Refinement, refinement_examples.REFINEMENT),
)
def refine(
    *,
    sweep_id: SweepId,
    context: Context,
    content: body.JsonBody,
    dry_run: Annotated[
        bool, Query(description="Say where the verdict flips, but queue nothing.")
    ] = False,
    owner: Owner = ANONYMOUS,
) -> Response:
    """Refine a sweep: one round of bisection along an axis where a verdict flips.

    Wherever the verdict differs between two neighbours on the axis, an experiment halfway becomes
    a member of the sweep, for each combination of the other axes. Repeat it once they have ended,
    until every bracket is located. Nothing of the sweep may be pending.
    """
    asked = body.parse(content, schemas.Refinement)
    answer = refinement.refine(context, sweep_id, asked, owner=owner, dry_run=dry_run)
    return accepted(202 if answer.created else 200, answer.model_dump(mode="json"))
