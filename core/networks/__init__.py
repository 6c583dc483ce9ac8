"""Networks that are run on sequences: cells, forward passes and their gradients, in torch, a batch of seeds at once."""

from core.networks.cells import CELLS
from core.networks.network import (
    Linear,
    Network,
    Recurrent,
    Shapes,
    Weights,
    of_student,
    of_teacher,
    uniform,
)
from core.networks.starts import start

__all__ = [
    "CELLS",
    "Linear",
    "Network",
    "Recurrent",
    "Shapes",
    "Weights",
    "of_student",
    "of_teacher",
    "start",
    "uniform",
]
