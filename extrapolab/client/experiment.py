"""A handle on one experiment in a lab."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

import numpy as np

from core.result import ExperimentResult
from core.spec import ExperimentSpec
from extrapolab.client import events as news
from extrapolab.client import notebook
from extrapolab.client.payloads import joined
from extrapolab.client.transport import Parameters, Transport
from extrapolab.errors import ExperimentCancelled, ExperimentFailed
from extrapolab.models.experiments import (
    Event,
    ExperimentRecord,
    Failure,
    Log,
    Progress,
    Run,
    Theorem,
)


class Experiment:
    """One experiment of a lab.

    What it says is as of the last :meth:`refresh`; the first question asks the lab.

    Example:
        >>> experiment = lab.submit(spec).wait()
        >>> experiment.result().runs[0].summary["extrapolation_error"] < 1e-3
        True

    Attributes:
        id: Its id, ``exp_...``.
        reused: Whether submitting found it in the lab already.
        transport: The way to its lab.
    """

    def __init__(
        self,
        transport: Transport,
        id: str,  # noqa: A002  # the lab's word
        *,
        reused: bool = False,
        record: ExperimentRecord | None = None,
    ) -> None:
        self.id = id
        self.reused = reused
        self.transport = transport
        self._record = record

    def __repr__(self) -> str:
        state = self._record.state if self._record else "not looked at yet"
        return f"<Experiment {self.id}, {state}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: how it stands, how its seeds ended, and the response once it is completed."""
        record = self.refresh().record
        drawn = record.state == "completed"
        picture = (
            notebook.picture(self.transport, f"{self._path}/figures/response.svg") if drawn else ""
        )
        return notebook.page(
            record.name or self.id, record.state, notebook.runs(record.runs), picture
        )

    @property
    def url(self) -> str:
        """Where the lab answers for it."""
        return self.transport.url + self._path

    @property
    def record(self) -> ExperimentRecord:
        """All that the lab said of it at the last refresh."""
        return self._record or self.refresh().record

    @property
    def spec(self) -> ExperimentSpec:
        """Its spec, every default filled in."""
        return self.record.spec

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``paused``, ``completed``, ``failed`` or ``cancelled``."""
        return self.record.state

    @property
    def failure(self) -> Failure | None:
        """Why it failed, where it did."""
        return self.record.error

    @property
    def progress(self) -> Progress | None:
        """How far it is, once it runs."""
        return self.record.progress

    @property
    def runs(self) -> tuple[Run, ...]:
        """Outcome, steps and final metrics of each seed."""
        return self.record.runs

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is questionable about its spec, though legal."""
        return self.record.warnings

    def refresh(self) -> Self:
        """Asks the lab again."""
        return self.told(ExperimentRecord.read(self.transport.get(self._path)))

    def told(self, record: ExperimentRecord) -> Self:
        """Knows what the lab has said elsewhere, as if it had been asked."""
        self._record, self.id = record, record.id  # what was asked for may have been cut short
        return self

    def wait(
        self, timeout: float | None = None, observe: Callable[[Self], None] | None = None
    ) -> Self:
        """Waits until it is completed.

        Args:
            timeout: Seconds to wait at most; ``None`` waits as long as it takes.
            observe: Is called with this handle after each look.

        Raises:
            ExperimentFailed: It failed.
            ExperimentCancelled: It was cancelled.
            TimeoutError: It is not done yet. It goes on all the same.
        """
        for _ in news.driven(self.looks(timeout)):
            if observe is not None:
                observe(self)
        return self.completed()

    async def looks(self, timeout: float | None) -> AsyncGenerator[None, None]:
        """Looks at it whenever there are news of it, until it has ended; for programs with an event loop."""
        async with aclosing(news.follow(self.transport, lambda: [self.id], timeout)) as told:
            async for _ in told:
                await news.in_thread(self.refresh)
                yield
                if self.record.is_final:
                    return
        raise TimeoutError(
            f"Experiment {self.id} is {self.state} after {timeout:g} s. It goes on: wait again, or cancel it."
        )

    def completed(self) -> Self:
        """This handle, if it is completed.

        Raises:
            ExperimentFailed: It failed.
            ExperimentCancelled: It was cancelled.
        """
        if self.state == "failed":
            failure = self.failure or Failure(
                kind="infrastructure", sentence="The lab recorded no reason."
            )
            raise ExperimentFailed(self.id, failure.kind, failure.sentence)
        if self.state == "cancelled":
            raise ExperimentCancelled(self.id)
        return self

    def result(self) -> ExperimentResult:
        """Final responses, eigenvalues, parameters and metrics of every seed, and the baselines.

        The recorded points are left to :meth:`series`.

        Raises:
            Conflict: It is not completed.
        """
        answer = self.transport.get(f"{self._path}/result")
        return ExperimentResult.model_validate({**answer, "series": {}}, extra="ignore")

    def series(self, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Recorded metrics in long form: equally long columns ``seed``, ``step`` and each name, also while it runs.

        Args:
            names: Metrics, such as ``train_loss``; all of them where left out. Also ``response``,
                (rows, q) or with several channels (rows, q, p, m), and ``eigenvalues``, (rows, d,
                2) as [re, im], where the spec's ``evaluation.record`` asked for them.

        Raises:
            Refused: A name is unknown, or wasn't recorded.
        """
        columns = self.transport.get(f"{self._path}/series", {"names": joined(names)})
        whole = {"seed", "step"}
        return {
            n: np.array(column, dtype=np.int64 if n in whole else np.float64)
            for n, column in columns.items()
        }

    def series_text(
        self,
        format: Literal["csv", "json"],  # noqa: A002  # HTTP's word
        names: Iterable[str] | None = None,
    ) -> str:
        """The same as :meth:`series`, as the lab writes it."""
        return self.transport.get_bytes(
            f"{self._path}/series", {"names": joined(names), "format": format}
        ).decode()

    def figure(self, name: str, path: str | Path | None = None) -> Path:
        """Writes a figure to a file.

        Args:
            name: ``response``, ``spectrum`` or ``weighted_spectrum`` of a completed experiment;
                ``training`` or ``imbalance``, also while it runs, and ``eigenvalues`` or
                ``trajectory`` where they are recorded.
            path: Where to; its ending chooses the format (.svg, .png, .pdf, .json). Default:
                ``NAME.svg`` here.

        Returns:
            The path of the file.
        """
        return save_figure(
            self.transport, f"{self._path}/figures/{name}", Path(path or f"{name}.svg")
        )

    def theorem(self) -> Theorem:
        """Which assumptions of the main theorem hold for its spec, and by how much."""
        return Theorem.read(self.transport.get(f"{self._path}/theorem"))

    def edit(
        self,
        *,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        notes: str | None = None,
    ) -> Self:
        """Calls it otherwise; what is left out stays. What it computes never changes.

        Args:
            name: Its name.
            tags: All its tags.
            notes: What there is to say about it.

        Raises:
            Refused: One of them is too long, or nothing is given.

        Example:
            >>> experiment = lab.submit(spec)
            >>> experiment.edit(tags=[*experiment.record.tags, "figure-2"]).record.tags
            ('figure-1', 'figure-2')
        """
        given = {"name": name, "tags": tags if tags is None else [*tags], "notes": notes}
        change = {field: value for field, value in given.items() if value is not None}
        return self.told(ExperimentRecord.read(self.transport.patch(self._path, change)))

    def cancel(self) -> Self:
        """Asks the lab to cancel it; a running one ends within seconds.

        Raises:
            Conflict: It has ended already.
        """
        self.transport.post(f"{self._path}:cancel")
        return self.refresh()

    def pause(self) -> Self:
        """Puts it aside; a running one is saved and lets go within seconds.

        Raises:
            Conflict: It is paused already, or has ended.
        """
        self.transport.post(f"{self._path}:pause")
        return self.refresh()

    def resume(self) -> Self:
        """Queues it again after it was paused; it goes on where it was.

        Raises:
            Conflict: It is not paused.
        """
        self.transport.post(f"{self._path}:resume")
        return self.refresh()

    def retry(self) -> Self:
        """Queues it again after it failed or was cancelled.

        Raises:
            Conflict: It is in another state.
        """
        self.transport.post(f"{self._path}:retry")
        return self.refresh()

    def delete(self) -> None:
        """Removes it for good, with all that is known of it.

        Raises:
            Conflict: It has not ended, or something else needs it.
        """
        self.transport.delete(self._path)

    def log(self) -> list[Log]:
        """What the trainer printed, attempt by attempt."""
        return [Log.read(item) for item in self.transport.items(f"{self._path}/log")]

    def events(self) -> list[Event]:
        """Its history."""
        return [Event.read(item) for item in self.transport.items(f"{self._path}/events")]

    @property
    def _path(self) -> str:
        return f"/v1/experiments/{quote(self.id, safe='')}"


def save_figure(
    transport: Transport, address: str, path: Path, parameters: Parameters | None = None
) -> Path:
    """Writes the figure at ``address`` to ``path``, in the format that its ending names."""
    if not path.suffix:
        raise ValueError(
            f"the figure's file needs an ending that names its format, such as .svg; it is {str(path)!r}"
        )
    path.write_bytes(transport.get_bytes(address + path.suffix, parameters))
    return path
