"""Ids in paths: whole, or cut short to a unique prefix."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor

from core.errors import Problem
from core.spec.explain import shorten
from service.context import AppContext, Context
from service.http import examples
from service.http.errors import Ambiguous, Invalid
from store.db.tables import sweeps
from store.errors import NotFound
from store.experiments import events, id_prefix
from store.query.names import split_names
from store.sweeps import rows as sweep_rows

MAX_IDS = 500
"""Most ids in a list."""

MAX_NAMED_PROBLEMS = 20

MAX_NAMED_IDS = 8
"""Most ids that the problem of an ambiguous prefix names."""


class _ExperimentIdConvertor(StringConvertor):
    """An id in a path, without the colon that starts a verb."""

    regex = "[^/:]+"


class _FigureIdConvertor(StringConvertor):
    """The id of a figure to draw, without the dot that starts a format."""

    regex = "[^/:.]+"


class _RecipeIdConvertor(StringConvertor):
    """The id of a figure whose recipe is meant: no format follows."""

    regex = r"(?![^/:]+\.(?:svg|png|pdf|json)$)[^/:]+"


register_url_convertor("experiment", _ExperimentIdConvertor())
register_url_convertor("figure", _FigureIdConvertor())
register_url_convertor("recipe", _RecipeIdConvertor())


def complete_id(context: AppContext, text: str, pointer: str = "/path/id") -> str:
    """The only id that starts with ``text``; ``text`` itself if it is whole or unknown.

    Raises:
        Ambiguous: Several ids start with it.
    """
    if not id_prefix.is_prefix(text):
        return text
    with context.database.read() as tx:
        ids = id_prefix.ids_with_prefix(tx, text, limit=MAX_NAMED_IDS + 1)
    if len(ids) > 1:
        named = ", ".join(ids[:MAX_NAMED_IDS]) + (", ..." if len(ids) > MAX_NAMED_IDS else "")
        message = "matches several ids: give more characters"
        raise Ambiguous(Problem(pointer, "ambiguous_id", message, shorten(text), named))
    return ids[0] if ids else text


def existing_experiments(context: AppContext, text: str, pointer: str) -> list[str]:
    """The ids of experiments in a comma-separated list of ids or prefixes.

    Raises:
        Invalid: They are too many, or some belong to no experiment.
        Ambiguous: Several ids start with a prefix.
    """
    parts = split_names(text, pointer, Invalid)
    if len(parts) > MAX_IDS:
        message = f"should be at most {MAX_IDS} ids"
        raise Invalid(Problem(pointer, "too_many", message, str(len(parts))))
    ids = [complete_id(context, part, pointer) for part in parts]
    with context.database.read() as tx:
        unknown_ids = events.unknown_ids(tx, ids)[:MAX_NAMED_PROBLEMS]
    if unknown_ids:
        message = "there is no such experiment"
        raise Invalid(
            *(
                Problem(pointer, "no_such_experiment", message, shorten(name))
                for name in unknown_ids
            )
        )
    return ids


def existing_sweep(context: AppContext, text: str, pointer: str = "/query/sweep") -> str:
    """The id of a sweep, from itself or a prefix.

    Raises:
        Invalid: There is no such sweep.
        Ambiguous: Several ids start with the prefix.
    """
    sweep_id = complete_id(context, text, pointer)
    try:
        with context.database.read() as tx:
            sweep_rows.get(tx, sweep_id, sweeps.c.id)
    except NotFound as error:
        problem = Problem(pointer, "no_such_sweep", "there is no such sweep", shorten(text))
        raise Invalid(problem) from error
    return sweep_id


def _id_dependency(kind: str, prefix: str, example: str) -> Callable[..., Coroutine[Any, Any, str]]:
    """The dependency that reads the id in a path."""
    documented = Path(
        alias="id",
        description=f"Id of the {kind}, or a unique prefix: `{prefix}_` and at least four "
        "characters.",
        examples=[example],
        # The pattern documents ids without being checked: any other text is not found.
        json_schema_extra={"pattern": f"^{prefix}_[0-9a-f]{{4,32}}$"},
    )

    async def read_id(context: Context, text: Annotated[str, documented]) -> str:
        if not id_prefix.is_prefix(text):  # no thread for a whole id
            return text
        return await run_in_threadpool(complete_id, context, text)

    return read_id


ExperimentId = Annotated[str, Depends(_id_dependency("experiment", "exp", examples.ID))]
SweepId = Annotated[str, Depends(_id_dependency("sweep", "swp", examples.SWEEP_ID))]
FigureId = Annotated[str, Depends(_id_dependency("saved figure", "fig", examples.FIGURE_ID))]
WorkerId = Annotated[str, Depends(_id_dependency("worker slot", "worker", examples.WORKER["id"]))]
