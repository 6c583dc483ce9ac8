"""The public names of the client, which ``extrapolab`` has as its own."""

from core.errors import Problem
from core.result import ExperimentResult, Outcome
from core.spec import ExperimentSpec
from extrapolab.client.answers.rows import Rows
from extrapolab.client.asynchronous.handles import (
    AsyncExperiment,
    AsyncFigure,
    AsyncQuery,
    AsyncStudy,
    AsyncSweep,
)
from extrapolab.client.asynchronous.lab import AsyncLab
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.figure import Figure
from extrapolab.client.handles.query import Query
from extrapolab.client.handles.study import Study
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.lab import Lab
from extrapolab.errors import (
    BadEnvironment,
    Conflict,
    ExperimentCancelled,
    ExperimentFailed,
    LabError,
    LabUnreachable,
    NotFound,
    Refused,
    ServerProblem,
)

__all__ = [
    "AsyncExperiment",
    "AsyncFigure",
    "AsyncLab",
    "AsyncQuery",
    "AsyncStudy",
    "AsyncSweep",
    "BadEnvironment",
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
