"""What a user of a lab holds: ``from extrapolab import Lab``, and the command line ``extrapolab``.

Nothing here computes: a lab server is asked over HTTP.
"""

from core.errors import Problem
from core.result import ExperimentResult, Outcome
from core.spec import ExperimentSpec
from extrapolab.async_lab import AsyncExperiment, AsyncFigure, AsyncLab, AsyncQuery, AsyncStudy, AsyncSweep
from extrapolab.errors import (
    Conflict,
    ExperimentCancelled,
    ExperimentFailed,
    LabError,
    LabUnreachable,
    NotFound,
    Refused,
    ServerProblem,
)
from extrapolab.experiment import Experiment
from extrapolab.figure import Figure
from extrapolab.lab import Lab
from extrapolab.query import Query
from extrapolab.rows import Rows
from extrapolab.study import Study
from extrapolab.sweep import Sweep

__all__ = [
    "AsyncExperiment",
    "AsyncFigure",
    "AsyncLab",
    "AsyncQuery",
    "AsyncStudy",
    "AsyncSweep",
    "Conflict",
    "Experiment",
    "ExperimentCancelled",
    "ExperimentFailed",
    "ExperimentResult",
    "ExperimentSpec",
    "Figure",
    "Lab",
    "LabError",
    "LabUnreachable",
    "NotFound",
    "Outcome",
    "Problem",
    "Query",
    "Refused",
    "Rows",
    "ServerProblem",
    "Study",
    "Sweep",
]
