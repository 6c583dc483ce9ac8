"""References in requests (:mod:`store.experiments.references`), and the ids that they mean."""

from collections.abc import Callable, Coroutine
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Depends, Path
from fastapi.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor

from core.errors import Problem
from core.spec.explain import shorten
from service.context import AppContext, Context
from service.http import examples, path_names
from service.http.errors import Ambiguous, Invalid, Missing
from store.db.tables import sweeps
from store.errors import AmbiguousReference, NotFound, WrongKind
from store.experiments import events, references
from store.experiments.references import LATEST, Kind
from store.query.names import split_names
from store.sweeps import rows as sweep_rows

MAX_IDS = 500
"""Most ids in a list."""

MAX_NAMED_PROBLEMS = 20

SWEEP_REFERENCE = f"Id of a sweep, a unique prefix of it, its name, or `{LATEST}`"
EXPERIMENT_REFERENCES = (
    f"Ids of experiments, unique prefixes, names or `{LATEST}`, separated by commas, at most "
    f"{MAX_IDS}"
)
"""What stands for ids in parameters, in words."""

_TAKEN_BY = MappingProxyType(
    {
        Kind.EXPERIMENT.value: "/v1/experiments/ID and `extrapolab status ID` take it",
        Kind.SWEEP.value: "/v1/sweeps/ID and `extrapolab sweep status ID` take it",
        Kind.FIGURE.value: "/v1/figures/ID and `extrapolab figure ID` take it",
        Kind.WORKER.value: "/v1/workers/ID:drain and `extrapolab workers drain ID` take it",
        "view": "/v1/views/NAME takes it",
    }
)
"""What takes an id of each kind, by how it begins, and the name of a view."""


class _ExperimentIdConvertor(StringConvertor):
    """A reference in a path, without the colon that starts a verb."""

    regex = "[^/:]+"


class _FigureIdConvertor(StringConvertor):
    """A reference to a figure to draw, without the format that follows it."""

    regex = r"[^/:]+(?=\.[a-z]+$)"


class _RecipeIdConvertor(StringConvertor):
    """A reference to a figure whose recipe is meant: no format follows."""

    regex = r"(?![^/:]+\.(?:svg|png|pdf|json)$)[^/:]+"


register_url_convertor("experiment", _ExperimentIdConvertor())
register_url_convertor("figure", _FigureIdConvertor())
register_url_convertor("recipe", _RecipeIdConvertor())


def complete_id(
    context: AppContext, text: str, pointer: str = "/path/id", kind: Kind = Kind.EXPERIMENT
) -> str:
    """The id that a reference to something of a kind means; ``text`` itself if nothing has it.

    Raises:
        Ambiguous: Several have it.
        Missing: It means something of another kind.
    """
    if references.is_id(text, kind):
        return text
    try:
        with context.database.read() as tx:
            return references.resolve(tx, kind, text) or text
    except AmbiguousReference as error:
        problem = Problem(pointer, "ambiguous_id", str(error), shorten(text), error.allowed)
        raise Ambiguous(problem) from None
    except WrongKind as error:
        taken_by = f"; {_TAKEN_BY[error.other]}" if error.other else ""
        raise Missing(Problem(pointer, "wrong_kind", f"{error}{taken_by}", shorten(text))) from None


def existing_experiments(context: AppContext, text: str, pointer: str) -> list[str]:
    """The ids of experiments in a comma-separated list of references.

    Raises:
        Invalid: They are too many, or some belong to no experiment.
        Ambiguous: Several experiments have one.
        Missing: One means something that is no experiment.
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
    """The id of the sweep that a reference means.

    Raises:
        Invalid: There is no such sweep.
        Ambiguous: Several sweeps have it.
        Missing: It means something that is no sweep.
    """
    sweep_id = complete_id(context, text, pointer, Kind.SWEEP)
    try:
        with context.database.read() as tx:
            sweep_rows.get(tx, sweep_id, sweeps.c.id)
    except NotFound as error:
        problem = Problem(pointer, "no_such_sweep", "there is no such sweep", shorten(text))
        raise Invalid(problem) from error
    return sweep_id


def _id_dependency(kind: Kind, example: str) -> Callable[..., Coroutine[Any, Any, str]]:
    """The dependency that reads the reference in a path."""
    prefix = f"`{kind.value}_` and at least four characters"
    named = "" if kind is Kind.WORKER else f", its name, or `{LATEST}`"
    documented = Path(
        alias="id",
        description=f"Id of the {kind.noun}, or a unique prefix: {prefix}{named}.",
        examples=[example],
    )

    async def read_id(context: Context, text: Annotated[str, documented]) -> str:
        text = path_names.decoded(text)
        if references.is_id(text, kind):  # no thread for a whole id
            return text
        return await run_in_threadpool(partial(complete_id, context, text, kind=kind))

    return read_id


ExperimentId = Annotated[str, Depends(_id_dependency(Kind.EXPERIMENT, examples.ID))]
SweepId = Annotated[str, Depends(_id_dependency(Kind.SWEEP, examples.SWEEP_ID))]
FigureId = Annotated[str, Depends(_id_dependency(Kind.FIGURE, examples.FIGURE_ID))]
WorkerId = Annotated[str, Depends(_id_dependency(Kind.WORKER, examples.WORKER["id"]))]
