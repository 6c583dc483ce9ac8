"""Query parameters that select and order experiments."""

from typing import Annotated

from fastapi import Depends, Query

from core.spec.experiment import Tag
from store.query.query import ExperimentQuery
from store.states import State

Q = Annotated[
    str | None,
    Query(
        description="Filter: only matching experiments. `docs/query.md` teaches the language; "
        "`/v1/fields` lists its names.",
        examples=[
            "student.start.scale <= 1e-3 and median(extrapolation_error) < 0.01 and created > -7d"
        ],
    ),
]
Sort = Annotated[
    str | None,
    Query(
        description="Fields, statistics and counts to sort by, separated by commas; `-` sorts in "
        "descending order. A metric sorts by its median. Missing and non-finite values come last. "
        "Default: newest first.",
        examples=["-created,name"],
    ),
]


async def requested_query(
    q: Q = None,
    sort: Sort = None,
    tag: Annotated[Tag | None, Query(description="Only experiments with this tag.")] = None,
    state: Annotated[State | None, Query(description="Only experiments in this state.")] = None,
) -> ExperimentQuery:
    """The query that the request's parameters make."""
    return ExperimentQuery.parse(q, sort, tag=tag, state=state)


RequestedQuery = Annotated[ExperimentQuery, Depends(requested_query)]
