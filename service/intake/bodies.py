"""Bodies of submissions; one for the other route is refused with the name of that route."""

from collections.abc import Callable
from typing import TypeVar

from core.errors import Problem, SpecError
from core.spec import ExperimentSpec
from core.spec.body_kind import looks_like_experiment, looks_like_sweep
from core.spec.sweep import SweepSpec
from core.spec.text import parse_json
from service.http import body

Model = TypeVar("Model", ExperimentSpec, SweepSpec)


def parse_experiment(content: bytes) -> ExperimentSpec:
    """The spec in a body, as :func:`service.http.body.parse` reads it.

    Raises:
        SpecError: It is not valid, or a sweep.
    """
    message = (
        "this is a sweep, with a base and axes: POST /v1/sweeps takes it, and so do "
        "`extrapolab submit` and `lab.submit`"
    )
    return _parse(content, ExperimentSpec, looks_like_sweep, message)


def parse_sweep(content: bytes) -> SweepSpec:
    """The sweep in a body, as :func:`service.http.body.parse` reads it.

    Raises:
        SpecError: It is not valid, or the spec of one experiment.
    """
    message = (
        "this is the spec of one experiment: POST /v1/experiments takes it, and so do "
        "`extrapolab submit` and `lab.submit`; a sweep has it as its base, and axes"
    )
    return _parse(content, SweepSpec, looks_like_experiment, message)


def _parse(
    content: bytes, model: type[Model], is_other: Callable[[object], bool], message: str
) -> Model:
    try:
        return body.parse(content, model)
    except SpecError:
        if is_other(parse_json(content)):
            raise SpecError([Problem("", "wrong_kind", message)]) from None
        raise
