"""What figures show of a teacher: poles, weights and response, where a look at it keeps nobody waiting."""

import numpy as np

from core import teachers
from core.result import ExperimentResult, Response
from core.spec import ExperimentSpec, RecurrentTeacher, states
from core.systems import LinearSystem, impulse_response

LARGEST = 300
"""Above so many states a teacher is left out: its eigenvalues would keep whoever asks waiting."""


def system(spec: ExperimentSpec) -> LinearSystem | None:
    """The teacher's (A, B, C); None of a non-linear or a very large one."""
    if isinstance(spec.teacher, RecurrentTeacher) or states(spec.teacher) > LARGEST:
        return None
    return teachers.build(spec.teacher)


def response(spec: ExperimentSpec, result: ExperimentResult | None) -> np.ndarray | None:
    """ĥ_0 .. ĥ_{q-1}, (q, p, m), from the result if there is one; None where it isn't known before."""
    if result is not None:
        return by_channel(result.teacher_response)
    built = None if getattr(spec.teacher, "readout", None) is not None else system(spec)
    return None if built is None else impulse_response(built, spec.horizon)


def by_channel(flat: Response) -> np.ndarray:
    """(q, p, m), however the result has it."""
    return np.array(flat, dtype=float).reshape(len(flat), *np.shape(flat)[1:] or (1, 1))


def entry(response: np.ndarray) -> tuple[int, int]:
    """(output, input) of the entry of h_j that is drawn where there are several: the largest of the teacher's."""
    largest = np.unravel_index(np.abs(response).max(axis=0).argmax(), response.shape[1:])
    return int(largest[0]), int(largest[1])


def entry_words(place: tuple[int, int], shape: tuple[int, ...]) -> str:
    """Which entry that is, to follow a title; nothing where there is only one."""
    p, m = shape[-2:]
    return f", output {place[0] + 1} of {p}, input {place[1] + 1} of {m}" if p * m > 1 else ""
