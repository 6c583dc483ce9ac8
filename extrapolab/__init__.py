"""The client of a lab: ``from extrapolab import Lab``, and the command line ``extrapolab``.

Nothing is computed here; a lab server does the work, over HTTP. A name is imported when it is used
first: a command needs few of them, and all of them take a third of a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.errors import Problem
    from core.result import ExperimentResult, Outcome
    from core.spec import ExperimentSpec
    from extrapolab.client.async_lab import (
        AsyncExperiment,
        AsyncFigure,
        AsyncLab,
        AsyncQuery,
        AsyncStudy,
        AsyncSweep,
    )
    from extrapolab.client.experiment import Experiment
    from extrapolab.client.figure import Figure
    from extrapolab.client.lab import Lab
    from extrapolab.client.query import Query
    from extrapolab.client.rows import Rows
    from extrapolab.client.study import Study
    from extrapolab.client.sweep import Sweep
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


_MODULES = {
    "core.errors": ("Problem",),
    "core.result": ("ExperimentResult", "Outcome"),
    "core.spec": ("ExperimentSpec",),
    "extrapolab.client.async_lab": (
        "AsyncExperiment",
        "AsyncFigure",
        "AsyncLab",
        "AsyncQuery",
        "AsyncStudy",
        "AsyncSweep",
    ),
    "extrapolab.client.experiment": ("Experiment",),
    "extrapolab.client.figure": ("Figure",),
    "extrapolab.client.lab": ("Lab",),
    "extrapolab.client.query": ("Query",),
    "extrapolab.client.rows": ("Rows",),
    "extrapolab.client.study": ("Study",),
    "extrapolab.client.sweep": ("Sweep",),
    "extrapolab.errors": (
        "BadEnvironment",
        "Conflict",
        "ExperimentCancelled",
        "ExperimentFailed",
        "LabError",
        "LabUnreachable",
        "NotFound",
        "Refused",
        "ServerProblem",
    ),
}
"""The public names of each module."""


def __getattr__(name: str) -> object:
    """Imports a public name."""
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(module), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'extrapolab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *globals()]
