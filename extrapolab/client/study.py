"""A handle on one built-in study in a lab: a set of experiments and the claims that they decide."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from extrapolab.client import events
from extrapolab.client.experiment import Experiment, save_figure
from extrapolab.client.sweep import Sweep
from extrapolab.client.transport import Transport
from extrapolab.models.studies import Report, StudySubmission

Size = Literal["quick", "full"]

_PENDING = frozenset({"queued", "running"})


class Study:
    """A study in one of its sizes.

    Example:
        >>> report = lab.study("memoryless").report()
        >>> report.state, {claim.verdict for claim in report.claims}
        ('not_started', {'not_run'})

    Attributes:
        name: Its name, such as ``balanced``.
        size: ``quick``, a few minutes on two cores, or ``full``.
        sweeps: After :meth:`submit` the sweep of each of its arms, by name.
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
        """Where the lab answers with its report."""
        return f"{self._transport.url}{self._path}/report?size={self.size}"

    def submit(self) -> list[Experiment]:
        """All its experiments; those that the lab doesn't have yet are queued.

        Raises:
            NotFound: The lab has no such study.
        """
        answer = self._transport.post(self._path, None, {"size": self.size}, repeatable=True)
        submission = StudySubmission.read(answer)
        self.sweeps = {sweep.arm: Sweep(self._transport, sweep.id) for sweep in submission.sweeps}
        return [
            Experiment(self._transport, member.id, reused=member.reused)
            for member in submission.experiments
        ]

    def report(self) -> Report:
        """What the study found so far."""
        return Report.read(self._transport.get(f"{self._path}/report", {"size": self.size}))

    def wait(
        self, timeout: float | None = None, observe: Callable[[Report], None] | None = None
    ) -> Report:
        """Submits the study and waits until each of its experiments has ended.

        Args:
            timeout: Seconds to wait at most; ``None`` waits as long as it takes.
            observe: Is called with the report after each look.

        Raises:
            TimeoutError: It is not done yet. It goes on all the same.
        """
        experiments = self.submit()
        for report in events.driven(self.reports([one.id for one in experiments], timeout)):
            if observe is not None:
                observe(report)
        return report

    async def reports(
        self, ids: Sequence[str], timeout: float | None
    ) -> AsyncGenerator[Report, None]:
        """Reports whenever one of its experiments moves on, until none is pending; for programs with an event loop."""
        async with aclosing(events.follow(self._transport, lambda: ids, timeout)) as told:
            async for heard in told:
                if heard.progress and not heard.states:
                    continue  # of single experiments: no claim changes
                report = await events.in_thread(self.report)
                yield report
                if report.state not in _PENDING:
                    return
        raise TimeoutError(
            f"Study {self.name} is {report.state} after {timeout:g} s. It goes on: wait again."
        )

    def figure(self, name: str, path: str | Path | None = None) -> Path:
        """Writes the study's figure to a file, whose ending chooses the format (.svg, .png, .pdf, .json).

        Args:
            name: The figure's name, such as ``extrapolation``.
            path: Where to. Default: ``NAME.svg`` here.

        Returns:
            The path of the file.
        """
        target = Path(path or f"{name}.svg")
        return save_figure(
            self._transport, f"{self._path}/figures/{name}", target, {"size": self.size}
        )

    @property
    def _path(self) -> str:
        return f"/v1/studies/{quote(self.name, safe='')}"
