"""The part of an experiment's handle that knows its record, and waits for it to change."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from extrapolab.client.connection.threads import call_in_thread, iterate_sync
from extrapolab.client.connection.transport import Transport
from extrapolab.errors import ExperimentCancelled, ExperimentFailed
from extrapolab.models.experiments import ExperimentRecord, Failure, Progress, Run
from extrapolab.suggestions import Suggesting

if TYPE_CHECKING:
    from core.spec import ExperimentSpec


class ExperimentHandle(Suggesting):
    """The record of an experiment; :class:`extrapolab.Experiment` adds its results and changes."""

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

    @property
    def url(self) -> str:
        """Its address in the lab's HTTP interface."""
        return self.transport.url + self._path

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return f"{self.transport.url}/experiments/{quote(self.id, safe='')}"

    @property
    def record(self) -> ExperimentRecord:
        """Everything that the lab reported at the last refresh."""
        return self._record or self.refresh().record

    @property
    def spec(self) -> "ExperimentSpec":
        """Its spec, with every default filled in."""
        return self.record.spec

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``paused``, ``completed``, ``failed`` or ``cancelled``."""
        return self.record.state

    @property
    def failure(self) -> Failure | None:
        """Why it failed, if it did."""
        return self.record.error

    @property
    def progress(self) -> Progress | None:
        """Its progress, once it has started."""
        return self.record.progress

    @property
    def runs(self) -> tuple[Run, ...]:
        """Outcome, steps and final metrics of each seed."""
        return self.record.runs

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about its spec, which is valid but questionable."""
        return self.record.warnings

    def refresh(self) -> Self:
        """Fetches its current record."""
        return self.update(ExperimentRecord.read(self.transport.get(self._path)))

    def update(self, record: ExperimentRecord) -> Self:
        """Takes over a record that was fetched elsewhere."""
        self._record, self.id = record, record.id  # the id may have been abbreviated
        return self

    def wait(
        self, timeout: float | None = None, observe: Callable[[Self], None] | None = None
    ) -> Self:
        """Waits until it is completed.

        Args:
            timeout: Seconds to wait at most; None for no limit.
            observe: Called with this handle after each refresh.

        Raises:
            ExperimentFailed: It failed.
            ExperimentCancelled: It was cancelled.
            TimeoutError: It has not ended in time. It keeps running.
        """
        for _ in iterate_sync(self.follow(timeout)):
            if observe is not None:
                observe(self)
        return self.completed()

    async def follow(self, timeout: float | None) -> AsyncGenerator[None, None]:
        """Refreshes on every event until it has ended; for programs with an event loop."""
        from extrapolab.client.connection import events  # noqa: PLC0415  # loads asyncio

        async with aclosing(events.follow(self.transport, lambda: [self.id], timeout)) as batches:
            async for _ in batches:
                await call_in_thread(self.refresh)
                yield
                if self.record.is_final:
                    return
        raise TimeoutError(
            f"Experiment {self.id} is still {self.state} after {timeout:g} s. "
            "Wait again, or cancel it."
        )

    def completed(self) -> Self:
        """Returns this handle if the experiment is completed.

        Raises:
            ExperimentFailed: It failed.
            ExperimentCancelled: It was cancelled.
        """
        if self.state == "failed":
            failure = self.failure or Failure(kind="infrastructure", sentence="No reason recorded.")
            raise ExperimentFailed(self.id, failure.kind, failure.sentence)
        if self.state == "cancelled":
            raise ExperimentCancelled(self.id)
        return self

    @property
    def _path(self) -> str:
        return f"/v1/experiments/{quote(self.id, safe='')}"
