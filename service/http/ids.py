"""The ids in a path: whole, or cut short to a beginning that no other has."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.concurrency import run_in_threadpool

from core.errors import Problem
from core.spec.explain import shorten
from service.context import AppContext, Context
from service.http import examples
from service.http.errors import Ambiguous
from store.experiments import id_prefix

FEW = 8
"""Ids that are named where several begin so."""


def whole(context: AppContext, text: str, pointer: str = "/path/id") -> str:
    """The one id that begins with ``text``; ``text`` itself where that is whole, or where none does.

    Raises:
        Ambiguous: Several do.
    """
    if not id_prefix.is_cut(text):
        return text
    with context.database.read() as tx:
        found = id_prefix.beginning(tx, text, limit=FEW + 1)
    if len(found) > 1:
        named = ", ".join(found[:FEW]) + (", ..." if len(found) > FEW else "")
        message = "is how several ids begin: give more of it"
        raise Ambiguous(Problem(pointer, "ambiguous_id", message, shorten(text), named))
    return found[0] if found else text


def _id_of(what: str, prefix: str, example: str) -> Callable[..., Coroutine[Any, Any, str]]:
    """What reads the id in a path."""
    cut = f"`{prefix}_` and at least four characters"
    documented = Path(
        alias="id",
        description=f"Id of the {what}, or a beginning that no other has: {cut}.",
        examples=[example],
        json_schema_extra={
            "pattern": f"^{prefix}_[0-9a-f]{{4,32}}$"
        },  # what looks otherwise is not found
    )

    async def id_of(context: Context, given: Annotated[str, documented]) -> str:
        return await run_in_threadpool(whole, context, given) if id_prefix.is_cut(given) else given

    return id_of


ExperimentId = Annotated[str, Depends(_id_of("experiment", "exp", examples.ID))]
SweepId = Annotated[str, Depends(_id_of("sweep", "swp", examples.SWEEP_ID))]
FigureId = Annotated[str, Depends(_id_of("saved figure", "fig", examples.FIGURE_ID))]
WorkerId = Annotated[str, Depends(_id_of("worker slot", "worker", examples.WORKER["id"]))]
