"""Poles, weights and response of a teacher, if they are quick enough to compute for a figure."""

from collections.abc import Iterable, Sequence

import numpy as np

from core import teachers
from core.figures.info import NotDrawable
from core.figures.view import DEFAULT_VIEW, View
from core.result import ExperimentResult, Response
from core.spec import ExperimentSpec, RecurrentTeacher, states
from core.systems import LinearSystem, impulse_response

MAX_CHANNELS = 16
"""Most pairs of output and input in one figure."""

MAX_STATES = 300
"""With more states, a teacher is left out: computing its eigenvalues would take too long."""


def system(spec: ExperimentSpec) -> LinearSystem | None:
    """The teacher's (A, B, C); None for a non-linear or very large teacher."""
    if isinstance(spec.teacher, RecurrentTeacher) or states(spec.teacher) > MAX_STATES:
        return None
    return teachers.build(spec.teacher)


def response(spec: ExperimentSpec, result: ExperimentResult | None) -> np.ndarray | None:
    """ĥ_0 .. ĥ_{q-1}, (q, p, m), from the result or the spec; None if neither gives it quickly."""
    if result is not None and result.teacher_response:
        return by_channel(result.teacher_response)
    built = None if getattr(spec.teacher, "readout", None) is not None else system(spec)
    return None if built is None else impulse_response(built, spec.horizon)


def by_channel(response: Response) -> np.ndarray:
    """A result's response, flat or not, as an array (q, p, m)."""
    return np.array(response, dtype=float).reshape(len(response), *np.shape(response)[1:] or (1, 1))


def main_entry(response: np.ndarray, view: View = DEFAULT_VIEW) -> tuple[int, int]:
    """(output, input) of the teacher's largest entry of h_j among those that a view shows.

    Args:
        response: ĥ_0 .. ĥ_{q-1}, (q, p, m).
        view: The channels that were chosen.

    Raises:
        NotDrawable: There is no such channel.
    """
    sizes = np.abs(response).max(axis=0)
    outputs, inputs = _chosen(response.shape, view)
    return max(((o, i) for o in outputs for i in inputs), key=lambda entry: float(sizes[entry]))


def channels(shape: tuple[int, ...], view: View) -> list[tuple[int, int]]:
    """The (output, input) pairs of a response (q, p, m) that a view shows, row by row.

    Raises:
        NotDrawable: There is no such channel, or there are too many for one figure.
    """
    outputs, inputs = _chosen(shape, view)
    if len(outputs) * len(inputs) > MAX_CHANNELS:
        p, m = shape[-2:]
        raise NotDrawable(
            f"the systems have {p} x {m} channels, and a figure shows at most {MAX_CHANNELS}: "
            "choose an output or an input"
        )
    return [(output, input_) for output in outputs for input_ in inputs]


def _chosen(shape: tuple[int, ...], view: View) -> tuple[Sequence[int], Sequence[int]]:
    """The outputs and the inputs that a view shows; raises NotDrawable if there is no such one."""
    p, m = shape[-2:]
    for name, chosen, count in (("output", view.output, p), ("input", view.input, m)):
        if chosen is not None and not 1 <= chosen <= count:
            raise NotDrawable(f"there is no {name} {chosen}: the systems have {count}")
    outputs = range(p) if view.output is None else [view.output - 1]
    inputs = range(m) if view.input is None else [view.input - 1]
    return outputs, inputs


def channel_title(entry: tuple[int, int]) -> str:
    """The channel in words, as the title of its panel."""
    output, input_ = entry
    return f"output {output + 1}, input {input_ + 1}"


def shared_channel(words: Iterable[str]) -> str:
    """The channel that experiments show, in words of :func:`channel_words`.

    Example:
        >>> shared_channel([", output 1 of 2, input 1 of 1"] * 2)
        ', output 1 of 2, input 1 of 1'
        >>> shared_channel(["", ", output 1 of 2, input 1 of 1"]), shared_channel([])
        (', the largest channel of each', '')
    """
    distinct = set(words) or {""}
    return distinct.pop() if len(distinct) == 1 else ", the largest channel of each"


def channel_words(entry: tuple[int, int], shape: tuple[int, ...]) -> str:
    """The channel in words, to follow a title; nothing if there is only one."""
    p, m = shape[-2:]
    return f", output {entry[0] + 1} of {p}, input {entry[1] + 1} of {m}" if p * m > 1 else ""
