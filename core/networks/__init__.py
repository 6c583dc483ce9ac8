"""Networks that run on sequences, in torch, a batch of seeds at once, with their gradients."""

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
