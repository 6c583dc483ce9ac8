"""A handle on one experiment in a lab."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from extrapolab.client.answers import notebook
from extrapolab.client.answers.files import save_figure
from extrapolab.client.answers.result import Result
from extrapolab.client.handles.experiment_handle import ExperimentHandle
from extrapolab.client.requests.payloads import join_names
from extrapolab.models.experiments import (
    Event,
    ExperimentRecord,
    Log,
    Theorem,
)

if TYPE_CHECKING:
    import numpy as np


class Experiment(ExperimentHandle):
    """One experiment of a lab.

    Its attributes are as of the last :meth:`refresh`; the first access asks the lab.

    Example:
        >>> experiment = lab.submit(spec).wait()
        >>> experiment.result().runs[0].summary["extrapolation_error"] < 1e-3
        True

    Attributes:
        id: Its id, ``exp_...``.
        reused: Whether the lab already had it when it was submitted.
        transport: Access to its lab.
    """

    def __repr__(self) -> str:
        state = self._record.state if self._record else "not fetched yet"
        return f"<Experiment {self.id}, {state}>"

    def _repr_html_(self) -> str:
        """Returns its state, its runs and, once it is completed, its responses for a notebook."""
        record = self.refresh().record
        picture = ""
        if record.state == "completed":
            picture = notebook.picture(self.transport, f"{self._path}/figures/response.svg")
        runs = notebook.runs_table(record.runs)
        return notebook.page(self.page, record.name or self.id, record.state, runs, picture)

    def result(self) -> Result:
        """Final responses, eigenvalues, parameters and metrics of every seed, and the baselines.

        Numbers in rows are NumPy arrays; ``model_dump`` has lists.

        The recorded points are in :meth:`series`.

        Raises:
            Conflict: It is not completed.
        """
        answer = self.transport.get(f"{self._path}/result")
        return Result.model_validate({**answer, "series": {}}, extra="ignore")

    def series(
        self,
        names: Iterable[str] | None = None,
        *,
        seeds: Iterable[int] | None = None,
        since_step: int | None = None,
        max_points: int | None = None,
    ) -> "dict[str, np.ndarray]":
        """Recorded metrics in long form: columns ``seed``, ``step`` and each name; also mid-run.

        Args:
            names: Metrics, such as ``train_loss``; all of them by default. Also ``response``,
                (rows, q) or with several channels (rows, q, p, m), and ``eigenvalues``, (rows, d,
                2) as [re, im], if the spec's ``evaluation.record`` asks for them.
            seeds: Seeds of the experiment; all of them by default.
            since_step: Only points after this step, to go on with a live curve.
            max_points: Most points of each seed, with the extremes of each metric; all of them by
                default.

        Raises:
            Refused: A name is unknown or wasn't recorded, or a seed is not the experiment's.
        """
        import numpy as np  # noqa: PLC0415  # most commands need no arrays

        parameters = {
            "names": join_names(names),
            "seeds": None if seeds is None else ",".join(map(str, seeds)),
            "since_step": since_step,
            "max_points": max_points,
        }
        columns = self.transport.get(f"{self._path}/series", parameters)
        types = {"seed": np.int64, "step": np.int64}
        return {n: np.array(c, types.get(n, np.float64)) for n, c in columns.items()}

    def series_text(
        self,
        format: Literal["csv", "json"],  # noqa: A002  # HTTP's word
        names: Iterable[str] | None = None,
        *,
        since_step: int | None = None,
        max_points: int | None = None,
    ) -> str:
        """The recorded points of :meth:`series` as CSV or JSON text."""
        parameters = {
            "names": join_names(names),
            "format": format,
            "since_step": since_step,
            "max_points": max_points,
        }
        return self.transport.get_bytes(f"{self._path}/series", parameters).decode()

    def figure(self, /, name: str, path: str | Path | None = None, **options: Any) -> Path:
        """Writes a figure to a file.

        Args:
            name: ``response``, ``spectrum`` or ``weighted_spectrum`` of a completed experiment;
                ``training`` or ``imbalance``, also while it runs; and ``eigenvalues`` or
                ``trajectory``, if they are recorded.
            path: Its extension chooses the format (.svg, .png, .pdf, .json, .txt). Default:
                ``NAME.svg`` in the current folder.
            options: The figure's query parameters. ``x="time"`` draws curves of the training over
                training time, ``x="step"`` over steps.

        Returns:
            The path of the file.

        Raises:
            Refused: The figure doesn't have such an option.
        """
        return save_figure(self.transport, f"{self._path}/figures/{name}", path, options)

    def theorem(self) -> Theorem:
        """Checks which assumptions of the main theorem hold for its spec, and by how much."""
        return Theorem.read(self.transport.get(f"{self._path}/theorem"))

    def edit(
        self,
        *,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        notes: str | None = None,
        priority: int | None = None,
    ) -> Self:
        """Changes its name, tags, notes or priority; what is None stays. Nothing runs again.

        Args:
            name: Its new name.
            tags: All its tags.
            notes: Its new notes.
            priority: Its new priority while it is queued or paused; higher is sooner.

        Raises:
            Refused: One of them is too long, or nothing is given.
            Conflict: It has a new priority, but is neither queued nor paused.

        Example:
            >>> experiment = lab.submit(spec)
            >>> experiment.edit(tags=["figure-1", "figure-2"]).record.tags
            ('figure-1', 'figure-2')
        """
        values = {
            "name": name,
            "tags": None if tags is None else [*tags],
            "notes": notes,
            "priority": priority,
        }
        change = {field: value for field, value in values.items() if value is not None}
        return self.update(ExperimentRecord.read(self.transport.patch(self._path, change)))

    def cancel(self) -> Self:
        """Cancels it; a running one ends within seconds.

        Raises:
            Conflict: It has already ended.
        """
        return self._request("cancel")

    def pause(self) -> Self:
        """Pauses it; a running one saves a checkpoint and stops within seconds.

        Raises:
            Conflict: It is paused already, or has ended.
        """
        return self._request("pause")

    def resume(self) -> Self:
        """Queues a paused experiment again; it continues where it stopped.

        Raises:
            Conflict: It is not paused.
        """
        return self._request("resume")

    def retry(self, *, max_seconds: float | None = None, max_memory_mb: int | None = None) -> Self:
        """Queues it again after it failed or was cancelled.

        Args:
            max_seconds: New limit on its seconds of training, counted anew; None keeps the old one.
            max_memory_mb: New limit on the memory of its trainer.

        Raises:
            Conflict: It is in another state.
        """
        return self._request("retry", max_seconds=max_seconds, max_memory_mb=max_memory_mb)

    def delete(self) -> None:
        """Deletes it permanently, with its results.

        Raises:
            Conflict: It has not ended, or another experiment depends on it.
        """
        self.transport.delete(self._path)

    def log(self) -> list[Log]:
        """The trainer's output, by attempt."""
        return [Log.read(item) for item in self.transport.items(f"{self._path}/log")]

    def events(self) -> list[Event]:
        """Its history."""
        return [Event.read(item) for item in self.transport.items(f"{self._path}/events")]

    def _request(self, action: str, **parameters: float | None) -> Self:
        self.transport.post(f"{self._path}:{action}", parameters=parameters)
        return self.refresh()
