"""The part of a sweep's handle that knows its record, and waits for it to change."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Self
from urllib.parse import quote

from extrapolab.client.connection.threads import call_in_thread, iterate_sync
from extrapolab.client.connection.transport import Transport
from extrapolab.models.sweeps import SweepMember, SweepRecord, SweepSubmission, SweepWarning
from extrapolab.suggestions import Suggesting


class SweepHandle(Suggesting):
    """The record of a sweep; :class:`extrapolab.Sweep` adds its results and changes."""

    def __init__(self, transport: Transport, source: str | SweepRecord | SweepSubmission) -> None:
        self.id = source if isinstance(source, str) else source.id
        self.created, self.reused = 0, 0
        self.warnings: tuple[SweepWarning, ...] = ()
        self._transport = transport
        self._record = source if isinstance(source, SweepRecord) else None
        if isinstance(source, SweepSubmission):
            self._note_submission(source)

    @property
    def url(self) -> str:
        """Its address in the lab's HTTP interface."""
        return self._transport.url + self._path

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return f"{self._transport.url}/sweeps/{quote(self.id, safe='')}"

    @property
    def record(self) -> SweepRecord:
        """Everything but the members that the lab reported at the last refresh."""
        return self._record or self.refresh().record

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``completed``, or ``incomplete`` if some did not complete."""
        return self.record.state

    @property
    def counts(self) -> dict[str, int]:
        """Number of its experiments in each state."""
        return self.record.counts

    def refresh(self) -> Self:
        """Fetches its current record."""
        answer = self._transport.get(self._path, {"limit": 1})
        answer.pop("members", None)
        self._record = SweepRecord.read(answer)
        self.id = self._record.id  # the id may have been abbreviated
        self.warnings = self._record.warnings
        return self

    def wait(
        self, timeout: float | None = None, observe: Callable[[Self], None] | None = None
    ) -> Self:
        """Waits until nothing in it is pending; ``state`` says whether everything completed.

        Args:
            timeout: Seconds to wait at most; None for no limit.
            observe: Called with this handle after each refresh.

        Raises:
            TimeoutError: It has not ended in time. It keeps running.
        """
        for _ in iterate_sync(self.follow(timeout)):
            if observe is not None:
                observe(self)
        return self

    async def follow(self, timeout: float | None) -> AsyncGenerator[None, None]:
        """Refreshes after each change of state, until none is pending; for an event loop."""
        from extrapolab.client.connection import events  # noqa: PLC0415  # loads asyncio

        async with aclosing(events.follow(self._transport, self._member_ids, timeout)) as batches:
            async for batch in batches:
                if batch.only_progress:
                    continue  # no count changes
                await call_in_thread(self.refresh)
                yield
                if self.record.is_final:
                    return
        raise TimeoutError(
            f"Sweep {self.id} is still {self.state} after {timeout:g} s. Wait again."
        )

    def _member_ids(self) -> list[str]:
        return [member.experiment for member in self.members()]

    def members(self) -> Iterator[SweepMember]:
        """Its experiments with their coordinates, fetched page by page while you iterate."""
        return map(SweepMember.read, self._transport.items(self._path, within="members"))

    def _note_submission(self, submission: SweepSubmission) -> None:
        self.created, self.reused = submission.created, submission.reused
        self.warnings = submission.warnings

    @property
    def _path(self) -> str:
        return f"/v1/sweeps/{quote(self.id, safe='')}"
