"""The main theorem, held against an experiment's spec: which of its assumptions hold, and by how much."""

import numpy as np
from fastapi import APIRouter

from core.cost import preparation
from core.spec import ExperimentSpec, channels, has_closed_form, states
from core.theory import theorem
from core.warnings import LOOKED_AT
from service import schemas
from service.context import Context
from service.http import examples, openapi
from service.http.ids import ExperimentId
from store.experiments import repository as experiments

router = APIRouter(prefix="/v1/experiments/{id:experiment}", tags=["results"])


@router.get(
    "/theorem",
    response_model=schemas.Theorem,
    responses={
        200: openapi.answer("What was found.", examples.THEOREM),
        **openapi.problems(404, 503),
    },
)
def read(experiment_id: ExperimentId, context: Context) -> schemas.Theorem:
    """Check the assumptions of the main theorem on an experiment's spec: would a student that fits extrapolate?"""
    with context.database.read() as tx:
        spec = experiments.get(tx, experiment_id).spec
    return held_against(spec)


def held_against(spec: ExperimentSpec) -> schemas.Theorem:
    """What the theorem says of ``spec``, where that doesn't keep whoever asks waiting."""
    if has_closed_form(spec.teacher, spec.student) and _operations(spec) > LOOKED_AT:
        return schemas.Theorem.unseen(
            "The teacher, the training length or the sample is too large to be looked at context."
        )
    try:
        return schemas.Theorem.of(theorem.check(spec))
    except np.linalg.LinAlgError:  # numbers near the largest are legal
        return schemas.Theorem.unseen("The teacher's eigenvalues could not be computed.")


def _operations(spec: ExperimentSpec) -> float:
    """About how many a check takes: the teacher's eigenvalues and response, and the curvature at it."""
    m, p = channels(spec.teacher)
    response = 2.0 * spec.horizon * states(spec.teacher) ** 2 * m
    return preparation(spec) + response + 10.0 * (spec.training.length * m * p) ** 3
