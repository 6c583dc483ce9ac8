"""Experiments side by side: only what differs, how they ended, and one picture of all."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Response

from core.errors import Problem
from core.figures import COMPARISON_FIGURES as FIGURES
from core.result import METRICS, Outcome
from core.spec.difference import Difference, differences
from core.spec.experiment import METADATA
from core.spec.sweep import brief
from core.statistics import STATISTICS, as_counted, over_seeds
from service import schemas
from service.context import AppContext, Context
from service.figures import rendering
from service.figures.rendering import FigureFormat
from service.http import examples, openapi
from service.http.errors import Invalid
from service.http.ids import whole
from service.http.parameters import IfNoneMatch
from store.experiments import repository as experiments
from store.experiments import results
from store.records import Experiment
from store.states import State

router = APIRouter(prefix="/v1/compare", tags=["queries"])

MOST = 12
LONGEST_LABEL = 60

Ids = Annotated[
    str,
    Query(
        description=f"Ids of two to {MOST} experiments, separated by commas; each may be cut short as in a path.",
        examples=[f"{examples.ID},{examples.OTHER_ID}"],
        min_length=1,
        max_length=1000,
    ),
]


@router.get(
    "",
    response_model=schemas.Comparison,
    responses={
        200: openapi.answer("The comparison.", examples.COMPARISON),
        **openapi.problems(404, 503),
    },
)
def compare(context: Context, ids: Ids) -> Response:
    """Compare experiments: the fields of the spec that differ, and what their runs ended with, side by side."""
    found = _experiments(context, ids)
    joined = ",".join(one.id for one in found)
    content = {
        "experiments": [
            {
                "id": one.id,
                "name": one.content["name"],
                "state": one.state,
                "setup_hash": one.setup_hash,
                "seeds": len(one.runs),
                "outcomes": _outcomes(one),
            }
            for one in found
        ],
        "differences": [
            {"path": one.path, "values": list(one.values)} for one in _differences(found)
        ],
        "metrics": _metrics(found),
        "figures": {name: f"/v1/compare/figures/{name}.svg?ids={joined}" for name in FIGURES},
    }
    return Response(schemas.to_json(content), media_type="application/json")


@rendering.route(router, "/figures/{name}.{format}", 404, 409, 503)
def figure(
    context: Context,
    name: Annotated[str, rendering.name_parameter(FIGURES)],
    form: FigureFormat,
    ids: Ids,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Draw experiments over each other: medians over seeds, with quartiles; a training also as far as it has come.

    `response_ratio` and `training_ratio` show how many times the errors of the first each has.
    """
    chosen = rendering.choose(FIGURES, name, form)
    found = _experiments(context, ids)
    labels = _labels(found)
    with context.database.read() as tx:
        compared = [
            (
                label,
                one.spec,
                results.result(tx, one.id)
                if one.state is State.COMPLETED and not chosen.early
                else None,
                results.series(tx, one.id) if chosen.early else {},
            )
            for label, one in zip(labels, found, strict=True)
        ]
    return rendering.respond(chosen, chosen.info(compared), form, if_none_match)


def _experiments(context: AppContext, ids: str) -> list[Experiment]:
    names = [whole(context, name.strip(), "/query/ids") for name in ids.split(",")]
    if not 2 <= len(names) <= MOST or len(set(names)) < len(names):
        message = f"should name two to {MOST} different experiments"
        raise Invalid(Problem("/query/ids", "wrong_count", message, str(len(set(names)))))
    with context.database.read() as tx:
        return [experiments.get(tx, name) for name in names]


def _differences(found: Sequence[Experiment]) -> list[Difference]:
    """What differs in their specs, what they are called last."""
    specs = [{k: v for k, v in one.content.items() if k not in METADATA} for one in found]
    called = [{k: v for k, v in one.content.items() if k in METADATA} for one in found]
    return [*differences(specs), *differences(called)]


def _labels(found: Sequence[Experiment]) -> list[str]:
    """What tells each from the others, in a few words."""
    specs = [{k: v for k, v in one.content.items() if k not in METADATA} for one in found]
    apart = differences(specs)
    told = [(one.path.rpartition(".")[2], one.values) for one in apart[:3]]
    words = [
        ", ".join(f"{name} = {brief(values[n])}" for name, values in told)
        for n in range(len(found))
    ]
    if not apart or len(set(words)) < len(words):
        words = [one.content["name"] or one.id for one in found]
    return [
        word if len(word) <= LONGEST_LABEL else word[: LONGEST_LABEL - 3] + "..." for word in words
    ]


def _outcomes(one: Experiment) -> dict[str, int]:
    ended = [run.outcome for run in one.runs if run.outcome is not None]
    return {outcome: ended.count(outcome) for outcome in Outcome if outcome in ended}


def _metrics(found: Sequence[Experiment]) -> dict[str, list[dict[str, float] | None]]:
    """Statistics over the runs of each that has ended; a diverged run counts as infinite."""
    values = {}
    for one in found:
        ended = [run for run in one.runs if run.outcome is not None]
        if ended:
            numbers = np.array(
                [[run.summary.get(name, np.nan) for name in METRICS] for run in ended]
            )
            diverged = np.array([run.outcome is Outcome.DIVERGED for run in ended])
            values[one.id] = as_counted(numbers, diverged, list(METRICS))
    table = over_seeds(values)
    return {
        name: [
            dict(zip(STATISTICS, table[one.id][:, place].tolist(), strict=True))
            if one.id in table
            else None
            for one in found
        ]
        for place, name in enumerate(METRICS)
    }
