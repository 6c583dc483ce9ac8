"""A handle on a built-in study in a lab: a set of experiments, and the claims that they decide."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from extrapolab.client.answers.files import save_figure, save_paper
from extrapolab.client.connection.threads import call_in_thread, iterate_sync
from extrapolab.client.connection.transport import Transport
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.requests.payloads import notify_header
from extrapolab.models.studies import Report, StudyArm, StudySubmission
from extrapolab.suggestions import Suggesting

Size = Literal["quick", "full"]

_PENDING = frozenset({"queued", "running"})


class Study(Suggesting):
    """A study in one of its sizes.

    Example:
        >>> report = lab.study("memoryless").report()
        >>> report.state, {claim.verdict for claim in report.claims}
        ('not_started', {'not_run'})

    Attributes:
        name: Its name, such as ``balanced``.
        size: ``quick``, a few minutes on two cores, or ``full``.
        sweeps: The sweep of each arm, by name, once :meth:`submit` was called.
    """

    def __init__(self, transport: Transport, name: str, size: Size) -> None:
        self.name = name
        self.size = size
        self.sweeps: dict[str, Sweep] = {}
        self._transport = transport

    def __repr__(self) -> str:
        return f"<Study {self.name}, {self.size}>"

    @property
    def url(self) -> str:
        """The address of its report in the lab's HTTP interface."""
        return f"{self._transport.url}{self._path}/report?size={self.size}"

    @property
    def page(self) -> str:
        """The address of its page in the lab."""
        return f"{self._transport.url}/studies/{quote(self.name, safe='')}?size={self.size}"

    def submit(self, notify: str | Sequence[str] | None = None) -> list[Experiment]:
        """Queues the experiments that the lab does not have yet, and returns all of them.

        Args:
            notify: Whom to notify once all of them have ended, as in :meth:`Lab.notify`.

        Raises:
            NotFound: The lab has no such study.
        """
        headers = notify_header(notify)
        answer = self._transport.post(
            self._path, None, {"size": self.size}, repeatable=True, headers=headers
        )
        submission = StudySubmission.read(answer)
        self.sweeps = {}
        for arm in submission.sweeps:
            sweep = self.sweeps[arm.arm] = Sweep(self._transport, arm.id)
            sweep.created, sweep.reused, sweep.warnings = arm.created, arm.reused, arm.warnings
        return [
            Experiment(self._transport, member.id, reused=member.reused)
            for member in submission.experiments
        ]

    def arms(self) -> list[StudyArm]:
        """Its sweeps, to read or to change and submit as one's own.

        Raises:
            NotFound: The lab has no such study.

        Example:
            >>> arm = lab.study("memoryless").arms()[0]
            >>> arm.base["teacher"]["kind"]
            'memoryless'
        """
        items = self._transport.items(f"{self._path}/sweeps", {"size": self.size})
        return [StudyArm.read(item) for item in items]

    def report(self) -> Report:
        """Its claims, judged by the experiments that the lab has."""
        return Report.read(self._transport.get(f"{self._path}/report", {"size": self.size}))

    def wait(
        self, timeout: float | None = None, observe: Callable[[Report], None] | None = None
    ) -> Report:
        """Submits the study and waits until all its experiments have ended.

        Args:
            timeout: Seconds to wait at most; None for no limit.
            observe: Called with each new report.

        Raises:
            TimeoutError: It has not ended in time. It keeps running.
        """
        ids = [experiment.id for experiment in self.submit()]
        for report in iterate_sync(self.reports(ids, timeout)):
            if observe is not None:
                observe(report)
        return report

    async def reports(
        self, ids: Sequence[str], timeout: float | None
    ) -> AsyncGenerator[Report, None]:
        """Reports after each change of state, until none is pending; for an event loop."""
        from extrapolab.client.connection import events  # noqa: PLC0415  # loads asyncio

        async with aclosing(events.follow(self._transport, lambda: ids, timeout)) as batches:
            async for batch in batches:
                if batch.only_progress:
                    continue  # no claim changes
                report = await call_in_thread(self.report)
                yield report
                if report.state not in _PENDING:
                    return
        raise TimeoutError(
            f"Study {self.name} is still {report.state} after {timeout:g} s. Wait again."
        )

    def figure(self, /, name: str, path: str | Path | None = None, **options: Any) -> Path:
        """Writes a figure of the study to a file.

        Args:
            name: The figure's name, such as ``extrapolation``.
            path: Its extension chooses the format (.svg, .png, .pdf, .json, .txt). Default:
                ``NAME.svg`` in the current folder.
            options: The figure's query parameters.

        Returns:
            The path of the file.
        """
        address = f"{self._path}/figures/{name}"
        return save_figure(self._transport, address, path, {"size": self.size, **options})

    def paper(self, /, folder: str | Path, *, overwrite: bool = False, **look: Any) -> Path:
        """Writes the study up for a paper, from the experiments completed so far.

        Its figures in the style ``paper`` with their captions, the table of verdicts, the works
        that are named, the setup and provenance, and a LaTeX document of all of it.

        Args:
            folder: Where to write the files; made if there is none.
            overwrite: Whether to replace the files of a paper that is there.
            look: ``width`` (inches, or ``neurips``, ``iclr``, ``ieee`` and others) and
                ``font_size``.

        Raises:
            Conflict: No experiment is completed yet.
            FileExistsError: The folder is not empty.
        """
        parameters = {"study": self.name, "size": self.size, **look}
        return save_paper(self._transport, folder, parameters, overwrite=overwrite)

    @property
    def _path(self) -> str:
        return f"/v1/studies/{quote(self.name, safe='')}"
