"""Poles, weights and response of a teacher, if they are quick enough to compute for a figure."""

import numpy as np

from core import teachers
from core.result import ExperimentResult, Response
from core.spec import ExperimentSpec, RecurrentTeacher, states
from core.systems import LinearSystem, impulse_response

MAX_STATES = 300
"""With more states, a teacher is left out: computing its eigenvalues would take too long."""


def system(spec: ExperimentSpec) -> LinearSystem | None:
    """The teacher's (A, B, C); None for a non-linear or very large teacher."""
    if isinstance(spec.teacher, RecurrentTeacher) or states(spec.teacher) > MAX_STATES:
        return None
    return teachers.build(spec.teacher)


def response(spec: ExperimentSpec, result: ExperimentResult | None) -> np.ndarray | None:
    """ĥ_0 .. ĥ_{q-1}, (q, p, m), from the result or the spec; None if neither gives it quickly."""
    if result is not None:
        return by_channel(result.teacher_response)
    built = None if getattr(spec.teacher, "readout", None) is not None else system(spec)
    return None if built is None else impulse_response(built, spec.horizon)


def by_channel(response: Response) -> np.ndarray:
    """A result's response, flat or not, as an array (q, p, m)."""
    return np.array(response, dtype=float).reshape(len(response), *np.shape(response)[1:] or (1, 1))


def largest_entry(response: np.ndarray) -> tuple[int, int]:
    """(output, input) of the entry of h_j that a figure shows: the teacher's largest."""
    largest = np.unravel_index(np.abs(response).max(axis=0).argmax(), response.shape[1:])
    return int(largest[0]), int(largest[1])


def entry_suffix(entry: tuple[int, int], shape: tuple[int, ...]) -> str:
    """The entry in words, to follow a title; nothing if there is only one."""
    p, m = shape[-2:]
    return f", output {entry[0] + 1} of {p}, input {entry[1] + 1} of {m}" if p * m > 1 else ""
