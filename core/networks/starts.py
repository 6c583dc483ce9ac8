"""Where students that are trained on sequences start, one set of parameters per seed, drawn from the seed alone."""

from collections.abc import Mapping
from typing import assert_never

import numpy as np

from core import students
from core.errors import Problem, SpecError
from core.networks import readout
from core.networks.network import Shapes, uniform
from core.spec import DefaultStart, FromExperimentStart, RecurrentStudent, ScaledStart, Student

Arrays = Mapping[str, np.ndarray]


def start(
    student: Student,
    shapes: Shapes,
    seed: int,
    channels: tuple[int, int],
    inherited: Arrays | None = None,
) -> dict[str, np.ndarray]:
    """The parameters by name, in float64, in the shapes that training has them in.

    A linear student's A, B and C are those that it starts from without a readout; the readout's
    entries N(0, scale²) come of a stream of their own.

    Args:
        student: What starts.
        shapes: Of :func:`core.networks.of_student`.
        seed: Draws the start.
        channels: (m, p).
        inherited: The parameters that a ``from_experiment`` start begins with, as a result holds
            them.

    Raises:
        ValueError: A ``from_experiment`` start without the parameters that it begins with.
        SpecError: The experiment that the start goes on from has parameters of other names or
            shapes.
    """
    if isinstance(student, RecurrentStudent):
        return _recurrent(student, shapes, seed, inherited)
    system = students.start(student, seed, *channels, inherited=inherited)
    named = {
        "A": np.diagonal(system.A) if student.structure == "diagonal" else system.A,
        "B": system.B,
        "C": system.C,
    }
    if student.readout is not None:
        layers = {name: shapes[name] for name in readout.names(student.readout.layers + 1)}
        generator = np.random.default_rng((seed, 1))
        drawn = {
            name: student.readout.scale * generator.standard_normal(shape)
            for name, shape in layers.items()
        }
        named |= drawn if inherited is None else _taken(inherited, layers)
    return {name: named[name] for name in shapes}


def _recurrent(
    student: RecurrentStudent, shapes: Shapes, seed: int, inherited: Arrays | None
) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    match student.start:
        case DefaultStart():
            return uniform(shapes, student.dim, generator)
        case ScaledStart(scale=scale):
            deviation = scale / np.sqrt(student.dim)
            return {
                name: deviation * generator.standard_normal(shape) for name, shape in shapes.items()
            }
        case FromExperimentStart():
            if inherited is None:
                raise ValueError("a from_experiment start needs the parameters that it begins with")
            return _taken(inherited, shapes)
        case _:
            assert_never(student.start)


def _taken(inherited: Arrays, shapes: Shapes) -> dict[str, np.ndarray]:
    for name, shape in shapes.items():
        if name not in inherited or np.shape(inherited[name]) != shape:
            found = f"has shape {np.shape(inherited[name])}" if name in inherited else "is missing"
            why = f"that experiment can't be gone on from: its {name} {found}, this student's has shape {shape}"
            raise SpecError([Problem("/student/start/id", "cannot_go_on", why)])
    return {name: np.array(inherited[name], dtype=float) for name in shapes}
