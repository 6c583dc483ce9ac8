"""The tracking store of MLflow: a database, or a server over HTTP."""

import os
from collections.abc import Iterable
from itertools import islice
from typing import Any

from extrapolab.mirror.mirror import PREFIX, Point, RunCopy

METRICS_PER_BATCH, VALUES_PER_BATCH = 1000, 100
"""Most metrics, and most parameters or tags, that MLflow takes at once."""

MAX_VALUE = 6000
"""Longest parameter in characters."""

_KEY, _DIGEST = f"{PREFIX}run", f"{PREFIX}digest"
_STATUS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}


class MlflowStore:
    """Runs of an MLflow experiment.

    Args:
        uri: The tracking store, such as ``sqlite:///mlflow.db`` or ``http://127.0.0.1:5000``.
        experiment: Name of the MLflow experiment, which is made if there is none.

    Raises:
        ModuleNotFoundError: MLflow is not installed.
    """

    def __init__(self, uri: str, experiment: str = "extrapolab") -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient  # noqa: PLC0415  # an extra

        self._client = MlflowClient(uri)
        known = self._client.get_experiment_by_name(experiment)
        self._experiment_id: str = (
            known.experiment_id if known else self._client.create_experiment(experiment)
        )
        self._copies = {run.data.tags[_KEY]: run for run in self._all_runs()}

    def digest_of(self, key: str) -> str | None:
        """The digest of the copy of a run; None if there is no copy."""
        copy = self._copies.get(key)
        digest: str | None = copy.data.tags.get(_DIGEST) if copy else None
        return digest

    def write(self, run: RunCopy, points: Iterable[Point]) -> None:
        """Writes a copy; metrics that it has already are not written twice."""
        from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415  # an extra

        started, ended = _milliseconds(run.started_at), _milliseconds(run.ended_at)
        copy = self._copies.get(run.key)
        if copy is None:
            copy = self._client.create_run(
                self._experiment_id, started, tags={_KEY: run.key}, run_name=run.name
            )
            self._copies[run.key] = copy
        run_id = copy.info.run_id
        metrics = (
            Metric(name, value, _milliseconds(point.at), point.step)
            for point in points
            for name, value in point.metrics.items()
        )
        while batch := [*islice(metrics, METRICS_PER_BATCH)]:
            self._client.log_batch(run_id, metrics=batch)
        parameters = iter([Param(n, str(v)[:MAX_VALUE]) for n, v in run.parameters.items()])
        while some := [*islice(parameters, VALUES_PER_BATCH)]:
            self._client.log_batch(run_id, params=some)
        tags = [RunTag(name, value) for name, value in run.tags.items()]
        self._client.log_batch(run_id, tags=tags)
        self._client.update_run(run_id, name=run.name)
        self._client.set_terminated(run_id, _STATUS[run.state], ended)
        self._client.set_tag(run_id, _DIGEST, run.digest)  # last: what breaks off is done again

    def _all_runs(self) -> Iterable[Any]:
        token = None
        while True:
            page = self._client.search_runs(
                [self._experiment_id], f"tags.`{_KEY}` LIKE '%'", max_results=1000, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
