"""The door to a lab: submit experiments and sweeps, find them, run studies."""

import itertools
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from extrapolab.client.analysis import Findings
from extrapolab.client.completion import as_completed
from extrapolab.client.experiment import Experiment
from extrapolab.client.payloads import Spec, instant, spec_body, sweep_body
from extrapolab.client.query import Query
from extrapolab.client.study import Size, Study
from extrapolab.client.sweep import Sweep
from extrapolab.client.transport import LARGEST_PAGE, Transport
from extrapolab.errors import Conflict
from extrapolab.models.experiments import Check, Imported, Submission, Worker
from extrapolab.models.studies import ReportSummary, StudyRecord
from extrapolab.models.sweeps import SweepCheck, SweepRecord, SweepSubmission

DEFAULT_URL = "http://127.0.0.1:8000"


class Lab(Findings):
    """A lab server.

    Args:
        url: Its URL; where left out, that of the environment's ``EXTRAPOLAB_URL``, else
            ``http://127.0.0.1:8000``.
        user: Who you are, kept as the owner of what you submit; where left out, the environment's
            ``EXTRAPOLAB_USER``.
        patience: For how many seconds to try again while it is away, as during its restart. A lab
            that never answered is given up after two.

    Example:
        >>> with Lab() as lab:
        ...     experiment = lab.submit({
        ...         "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
        ...         "student": {"kind": "linear", "dim": 20},
        ...         "training": {"length": 6},
        ...         "optimizer": {"steps": 2000},
        ...         "seeds": 1,
        ...     })
        ...     for run in experiment.wait().result().runs:
        ...         print(run.seed, run.outcome.value, run.summary["extrapolation_error"] < 1e-3)
        0 fitted True
    """

    def __init__(
        self, url: str | None = None, *, user: str | None = None, patience: float = 60.0
    ) -> None:
        self._transport = Transport(
            url or os.environ.get("EXTRAPOLAB_URL") or DEFAULT_URL,
            user=user or os.environ.get("EXTRAPOLAB_USER"),
            patience=patience,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Lab {self.url}>"

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._transport.url

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def submit(
        self,
        spec: Spec,
        *,
        priority: int | None = None,
        not_before: datetime | None = None,
        max_seconds: float | None = None,
        max_memory_mb: int | None = None,
        on_duplicate: Literal["reuse", "rerun"] = "reuse",
    ) -> Experiment:
        """Queues an experiment; the same submission is never queued twice, however often the network fails.

        Args:
            spec: What to do.
            priority: Higher is sooner; 0 where left out.
            not_before: Don't start earlier; with its time zone.
            max_seconds: End it as failed after this long in training.
            max_memory_mb: End it as failed when its trainer needs more.
            on_duplicate: ``reuse`` an equal experiment that is queued, running or completed, or
                ``rerun`` it.

        Raises:
            Refused: The lab doesn't take the spec; the error's ``problems`` name the fields.
            LabUnreachable: No lab answers.
        """
        parameters = {
            "priority": priority,
            "not_before": instant(not_before),
            "max_seconds": max_seconds,
            "max_memory_mb": max_memory_mb,
            "on_duplicate": on_duplicate,
        }
        key = uuid.uuid4().hex
        answer = self._transport.post(
            "/v1/experiments", spec_body(spec), parameters, idempotency_key=key
        )
        submission = Submission.read(answer)
        return Experiment(self._transport, submission.id, reused=submission.reused)

    def check(self, spec: Spec) -> Check:
        """What the lab would do with the spec: the spec with its defaults, warnings, estimated cost. Nothing is stored.

        Raises:
            Refused: The lab doesn't take the spec.
        """
        answer = self._transport.post(
            "/v1/experiments", spec_body(spec), {"dry_run": "true"}, repeatable=True
        )
        return Check.read(answer)

    def experiment(self, id: str) -> Experiment:  # noqa: A002  # the lab's word
        """The experiment of this id, or of a beginning that no other id has, just asked for.

        Raises:
            NotFound: The lab has none.
        """
        return Experiment(self._transport, id).refresh()

    def experiments(
        self, *, tag: str | None = None, state: str | None = None, limit: int | None = None
    ) -> Iterator[Experiment]:
        """Experiments, newest first, asked for page by page while you iterate.

        Args:
            tag: Only those with this tag.
            state: Only those in this state.
            limit: At most so many; all of them where left out.
        """
        return iter(Query(self._transport, tag=tag, state=state, limit=limit))

    def query(
        self, q: str | None = None, *, sort: str | None = None, limit: int | None = None
    ) -> Query:
        """The experiments that a filter finds; nothing is asked before they are wanted.

        Args:
            q: Such as ``tag:figure-1 and median(extrapolation_error) < 0.01``; all of them where
                left out.
            sort: Such as ``-created,name``; the newest first where left out.
            limit: At most so many; all of them where left out.
        """
        return Query(self._transport, q, sort=sort, limit=limit)

    def as_completed(
        self, experiments: Iterable[Experiment], timeout: float | None = None
    ) -> Iterator[Experiment]:
        """Each of the experiments once it has ended, however it did; its ``state`` says how.

        Args:
            experiments: Handles, or what gives some: a sweep, a query.
            timeout: Seconds to wait at most; ``None`` waits as long as it takes.

        Raises:
            TimeoutError: Some have not ended yet. They go on all the same.

        Example:
            >>> for experiment in lab.as_completed(lab.sweep(base, [{"path": "training.length", "values": [5, 7]}])):
            ...     print(experiment.state, len(experiment.runs))
            completed 3
            completed 3
        """
        return as_completed(experiments, timeout)

    def watch(self, experiments: Iterable[Experiment]) -> list[Experiment]:
        """Shows progress bars, in a terminal or a notebook, until each of the experiments has ended.

        Returns:
            Their handles, in the order given; ``state`` says how each ended.

        Example:
            >>> experiment, = lab.watch([lab.submit(spec)])
            [1/1]  near zero  completed
            >>> experiment.state
            'completed'
        """
        from extrapolab.cli.progress import watch  # noqa: PLC0415  # needs rich, which most programs don't
        from extrapolab.cli.terminal import console  # noqa: PLC0415

        held = [*experiments]
        watch(held, console())
        return held

    def reproduce(self, id: str) -> Experiment:  # noqa: A002  # the lab's word
        """Runs an experiment again, whatever the lab has of it; :func:`extrapolab.client.reproduction.verify` compares both.

        Raises:
            NotFound: The lab has none of that id.
            Conflict: It was imported, so nobody here ran it, or there is no result that could come
                out again.
        """
        original = self.experiment(id)
        if original.record.source == "import":
            raise Conflict(
                409,
                f"{id} was imported, so it can't be run again here; submit its spec to run that.",
            )
        if original.state != "completed":
            raise Conflict(
                409,
                f"{id} is {original.state}: only what is completed can come out the same again.",
            )
        return self.submit(original.spec, on_duplicate="rerun")

    def import_runs(
        self,
        path: str | Path,
        *,
        base: Mapping[str, Any] | None = None,
        columns: Mapping[str, str | None] | None = None,
        origin: str = "",
        tags: Sequence[str] = (),
        dry_run: bool = False,
    ) -> Imported:
        """Brings runs that were computed elsewhere into the lab, as experiments whose ``source`` is ``import``.

        They are found, tabulated and drawn beside the lab's own, and never taken for them: an equal
        spec that is submitted is run. The same file again changes nothing.

        Args:
            path: A table of runs, .csv, .json or .ndjson: columns are fields of the spec by their
                paths, ``seed``, ``outcome``, ``steps`` and metrics. With a column ``step`` a row is
                a recorded point.
            base: What all rows have in common: parts of a spec, or columns by their names.
            columns: What columns of other names mean, such as ``{"loss": "train_loss"}``; None for
                nothing.
            origin: Where and with what they were computed, in words.
            tags: Of all of them.
            dry_run: Only look whether the file is understood, and what is in it.

        Raises:
            Refused: The file isn't understood; the error's ``problems`` name rows and columns.
            ValueError: It is no text.
        """
        file = Path(path)
        body = {
            "file": file.name,
            "content": _text(file),
            "base": dict(base or {}),
            "columns": dict(columns or {}),
            "origin": origin,
            "tags": [*tags],
        }
        key = None if dry_run else uuid.uuid4().hex
        asked = {"dry_run": "true" if dry_run else None}
        return Imported.read(
            self._transport.post(
                "/v1/imports", body, asked, idempotency_key=key, repeatable=dry_run
            )
        )

    def sweep(
        self,
        base: Mapping[str, Any],
        axes: Sequence[Mapping[str, Any]],
        *,
        name: str = "",
        tags: Sequence[str] = (),
        on_duplicate: Literal["reuse", "rerun"] = "reuse",
    ) -> Sweep:
        """Queues a sweep: an experiment for each combination of values on the axes.

        All of it, or nothing.

        Args:
            base: A spec, which the axes may complete.
            axes: Each ``{"path": "training.length", "values": [4, 8]}``, or with ``"kind":
                "linspace"`` or ``"logspace"`` and low, high and count; ``{"kind": "zip", "axes":
                [...]}`` advances several together, and a ``grid`` in it has all combinations of its
                own.
            name: By which you and this lab know it again: an equal sweep of yours is taken instead
                of a new one.
            tags: Of every experiment, behind those of the base.
            on_duplicate: ``reuse`` equal experiments that are queued, running or completed, or
                ``rerun`` them.

        Raises:
            Refused: Points are not valid; the error's ``problems`` name the fields and the points.

        Example:
            >>> sweep = lab.sweep(base, [{"path": "training.length", "values": [4, 6]}])
            >>> len(sweep.wait().table())
            2
        """
        body = sweep_body(base, axes, name, tags)
        key = uuid.uuid4().hex
        answer = self._transport.post(
            "/v1/sweeps", body, {"on_duplicate": on_duplicate}, idempotency_key=key
        )
        return Sweep(self._transport, SweepSubmission.read(answer))

    def check_sweep(
        self,
        base: Mapping[str, Any],
        axes: Sequence[Mapping[str, Any]],
        *,
        name: str = "",
        tags: Sequence[str] = (),
    ) -> SweepCheck:
        """What the lab would do with a sweep: how many experiments, how many are there, cost.

        Nothing is stored.

        Raises:
            Refused: Points are not valid.
        """
        body = sweep_body(base, axes, name, tags)
        return SweepCheck.read(
            self._transport.post("/v1/sweeps", body, {"dry_run": "true"}, repeatable=True)
        )

    def sweep_of(self, id: str) -> Sweep:  # noqa: A002  # the lab's word
        """The sweep of this id, or of a beginning that no other id has, just asked for.

        Raises:
            NotFound: The lab has none.
        """
        return Sweep(self._transport, id).refresh()

    def sweeps(self, *, limit: int | None = None) -> Iterator[Sweep]:
        """Sweeps, newest first, asked for page by page while you iterate."""
        size = LARGEST_PAGE if limit is None else min(limit, LARGEST_PAGE)
        for item in itertools.islice(self._transport.items("/v1/sweeps", {"limit": size}), limit):
            yield Sweep(self._transport, SweepRecord.read(item))

    def workers(self) -> list[Worker]:
        """The lab's worker slots and what each of them runs."""
        return [Worker.read(item) for item in self._transport.items("/v1/workers")]

    def drain(self, id: str) -> Worker:  # noqa: A002  # the lab's word
        """Has a worker slot hand back what it runs and claim no more; the slot as it is now.

        Raises:
            NotFound: The lab has no worker slot of this id.
        """
        return Worker.read(
            self._transport.post(f"/v1/workers/{quote(id, safe='')}:drain", repeatable=True)
        )

    def studies(self) -> list[StudyRecord]:
        """The studies that the lab offers."""
        return [StudyRecord.read(item) for item in self._transport.items("/v1/studies")]

    def reports(self, size: Size = "quick") -> list[ReportSummary]:
        """How far every study is in that size, and how many of its claims hold."""
        return [
            ReportSummary.read(item)
            for item in self._transport.items("/v1/studies/report", {"size": size})
        ]

    def study(self, name: str, size: Size = "quick") -> Study:
        """A built-in study in one of its sizes; nothing runs before :meth:`Study.submit`."""
        return Study(self._transport, name, size)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{file} is no text in UTF-8; a table of runs is a .csv, .json or .ndjson."
        ) from error
