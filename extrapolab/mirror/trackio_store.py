"""The local database of Trackio, which ``trackio show`` displays."""

from collections.abc import Iterable
from datetime import UTC, datetime

from extrapolab.mirror.mirror import PREFIX, Point, RunCopy

_DIGEST = f"{PREFIX}digest"


class TrackioStore:
    """Runs of a Trackio project, in the folder ``TRACKIO_DIR``.

    Args:
        project: Name of the project.

    Raises:
        ModuleNotFoundError: Trackio is not installed.
    """

    def __init__(self, project: str = "extrapolab") -> None:
        # What Trackio's own imports write with; its interface can't add to a run that has ended.
        from trackio.sqlite_storage import SQLiteStorage  # noqa: PLC0415  # an extra

        self._project, self._storage = project, SQLiteStorage

    def digest_of(self, key: str) -> str | None:
        """The digest of the copy of a run; None if there is no copy."""
        config = self._storage.get_run_config(self._project, key, run_id=key)
        return None if config is None else config.get(_DIGEST)

    def write(self, run: RunCopy, points: Iterable[Point]) -> None:
        """Writes a copy; points that it has already are not written twice."""
        found = [*points] or [Point(0, run.ended_at, {})]
        self._storage.bulk_log(
            project=self._project,
            run=run.name,
            metrics_list=[dict(point.metrics) for point in found],
            steps=[point.step for point in found],
            timestamps=[datetime.fromtimestamp(point.at, UTC).isoformat() for point in found],
            config={**run.parameters, **run.tags, _DIGEST: run.digest},
            log_ids=[f"{run.key}/{point.step}" for point in found],
            run_id=run.key,
        )
