"""The starts of students that are trained on sequences, drawn from each seed alone."""

from collections.abc import Mapping
from typing import assert_never

import numpy as np

from core import students
from core.networks import readout
from core.networks.network import Shapes, uniform
from core.spec import DefaultStart, FromExperimentStart, RecurrentStudent, ScaledStart, Student

Arrays = Mapping[str, np.ndarray]


def start(
    student: Student,
    shapes: Shapes,
    seed: int,
    channels: tuple[int, int],
    initial_parameters: Arrays | None = None,
) -> dict[str, np.ndarray]:
    """The parameters by name, in float64, in the shapes of training.

    A linear student's A, B and C are those of its start without a readout. The readout's entries,
    N(0, scale²), have their own random stream.

    Args:
        student: The student.
        shapes: Of :func:`core.networks.of_student`.
        seed: Draws the start.
        channels: (m, p).
        initial_parameters: For a ``from_experiment`` start, the parameters of a result.

    Raises:
        ValueError: A ``from_experiment`` start without initial parameters.
        SpecError: The initial parameters have other names or shapes.
    """
    if isinstance(student, RecurrentStudent):
        return _recurrent(student, shapes, seed, initial_parameters)
    system = students.start(student, seed, *channels, initial_parameters=initial_parameters)
    parameters = {
        "A": np.diagonal(system.A) if student.structure == "diagonal" else system.A,
        "B": system.B,
        "C": system.C,
    }
    if student.readout is not None:
        layers = {name: shapes[name] for name in readout.names(student.readout.layers + 1)}
        if initial_parameters is None:
            generator = np.random.default_rng((seed, 1))
            for name, shape in layers.items():
                parameters[name] = student.readout.scale * generator.standard_normal(shape)
        else:
            parameters |= students.matching_parameters(initial_parameters, layers)
    return {name: parameters[name] for name in shapes}


def _recurrent(
    student: RecurrentStudent, shapes: Shapes, seed: int, initial_parameters: Arrays | None
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
            return students.matching_parameters(initial_parameters, shapes)
        case _:
            assert_never(student.start)
