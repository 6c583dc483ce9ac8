"""Copies of a lab's runs in the stores of other trackers.

A run of the lab, one seed of an experiment, becomes a run there. Copying again brings the copies up
to date.
"""

from extrapolab.mirror.mirror import Mirrored, Store, mirror
from extrapolab.mirror.mlflow_store import MlflowStore
from extrapolab.mirror.trackio_store import TrackioStore

__all__ = ["Mirrored", "MlflowStore", "Store", "TrackioStore", "mirror"]
