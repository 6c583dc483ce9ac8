"""The client's entry point: read a lab, submit experiments and sweeps, run studies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, cast
from urllib.parse import quote

from extrapolab.client.bulk import LabWithBulkChanges
from extrapolab.client.handles.experiment import Experiment
from extrapolab.client.handles.study import Size, Study
from extrapolab.client.handles.sweep import Sweep
from extrapolab.client.notifications import LabWithNotifications
from extrapolab.client.requests import imports
from extrapolab.client.requests.imports import ObserveImport
from extrapolab.client.requests.payloads import (
    import_body,
    iso_time,
    notify_header,
)
from extrapolab.client.requests.references import Reference, id_of
from extrapolab.client.requests.specs import (
    Axes,
    Spec,
    is_path,
    is_sweep,
    mapping_of,
    spec_body,
    sweep_body,
)
from extrapolab.models.experiments import ImportResult, SpecCheck, Submission, TeacherPreview
from extrapolab.models.operations import Worker
from extrapolab.models.sweeps import SweepCheck, SweepSubmission
from extrapolab.models.views import View


class Lab(LabWithBulkChanges, LabWithNotifications):
    """A lab server.

    Args:
        url: Its URL. Default: the environment's ``EXTRAPOLAB_URL``, else ``http://127.0.0.1:8000``.
        user: The owner of what you submit. Default: the environment's ``EXTRAPOLAB_USER``.
        patience: Seconds to keep retrying while the lab is down, as during a restart. If it has
            never answered, the client gives up after two.

    Example:
        >>> poles = {"kind": "list", "values": [0.9, -0.5]}
        >>> with Lab() as lab:
        ...     experiment = lab.submit({
        ...         "teacher": {"kind": "balanced", "eigenvalues": poles},
        ...         "student": {"kind": "linear", "dim": 20},
        ...         "training": {"length": 6},
        ...         "optimizer": {"steps": 2000},
        ...         "seeds": 1,
        ...     })
        ...     for run in experiment.wait().result().runs:
        ...         print(run.seed, run.outcome.value, run.summary["extrapolation_error"] < 1e-3)
        0 fitted True
    """

    def submit(
        self,
        spec: Spec,
        *,
        priority: int | None = None,
        not_before: datetime | None = None,
        max_seconds: float | None = None,
        max_memory_mb: int | None = None,
        on_duplicate: Literal["reuse", "rerun"] = "reuse",
        notify: str | Sequence[str] | None = None,
    ) -> Experiment:
        """Queues an experiment, exactly once however often the network fails.

        A sweep, with ``base`` and ``axes``, is submitted as by :meth:`sweep`, which it returns.

        Args:
            spec: The experiment's spec: a dictionary, an ExperimentSpec, an experiment, or the
                path of a file, such as ``"spec.yaml"``.
            priority: Higher is sooner; 0 by default.
            not_before: Earliest time to start, with its time zone.
            max_seconds: Seconds of training, over all attempts, after which it fails.
            max_memory_mb: Memory of the trainer above which it fails.
            on_duplicate: ``reuse`` an equal experiment that is queued, running or completed, or
                ``rerun`` it.
            notify: Whom to notify once it has ended, as in :meth:`notify`; ``"none"`` for nobody.

        Raises:
            Refused: The spec is not valid; the error's ``problems`` name the fields.
            LabUnreachable: No lab answers.
            TypeError: A sweep is given with options that only experiments have.
        """
        only_experiments = {
            "priority": priority,
            "not_before": iso_time(not_before),
            "max_seconds": max_seconds,
            "max_memory_mb": max_memory_mb,
        }
        if is_sweep(content := mapping_of(spec)):
            if given := [name for name, value in only_experiments.items() if value is not None]:
                raise TypeError(f"this is a sweep, which can't have {', '.join(given)}")
            # typed as what nearly all specs give, for editors
            return cast("Experiment", self.sweep(content, on_duplicate=on_duplicate, notify=notify))
        parameters = {**only_experiments, "on_duplicate": on_duplicate}
        submission = Submission.read(
            self._transport.create("/v1/experiments", content, parameters, notify_header(notify))
        )
        return Experiment(self._transport, submission.id, reused=submission.reused)

    def check(self, spec: Spec) -> SpecCheck:
        """Validates a spec without storing it: its defaults, warnings and estimated cost.

        Raises:
            Refused: The spec is not valid.
        """
        return SpecCheck.read(self._transport.dry_run("/v1/experiments", spec_body(spec)))

    def preview_teacher(self, teacher: Spec, horizon: int = 40) -> TeacherPreview:
        """Computes the response, poles and Hankel singular values of a teacher, without training.

        Args:
            teacher: A spec's teacher, or a whole spec; such as ``{"kind": "delay", "lag": 3}``.
            horizon: Number of lags of the response, and twice the size of the Hankel matrix.

        Raises:
            Refused: The teacher is not valid.

        Example:
            >>> lab.preview_teacher({"kind": "rotation", "radius": 0.9}, horizon=3).response[0]
            1.0
        """
        content = mapping_of(teacher)
        body = {"teacher": content.get("teacher", content), "horizon": horizon}
        return TeacherPreview.read(
            self._transport.post("/v1/teachers:preview", body, repeatable=True)
        )

    def reproduce(self, id: Reference) -> Experiment:  # noqa: A002  # the lab's word
        """Runs a completed experiment again; :mod:`extrapolab.client.reproduction` compares both.

        Raises:
            NotFound: The lab has none of that id.
            Conflict: It was imported, or is not completed.
        """
        from extrapolab.client import reproduction  # noqa: PLC0415  # needs NumPy

        original = self.experiment(id)
        reproduction.require_reproducible(original)
        return self.submit(original.spec, on_duplicate="rerun")

    def import_runs(
        self,
        path: str | Path,
        *,
        base: Spec | None = None,
        columns: Mapping[str, str | None] | None = None,
        origin: str = "",
        tags: Sequence[str] = (),
        dry_run: bool = False,
        observe: ObserveImport | None = None,
    ) -> ImportResult:
        """Imports runs that were computed elsewhere, as experiments whose ``source`` is ``import``.

        They are found, tabulated and drawn beside the lab's own, but never reused: an equal spec
        that is submitted runs. Importing the same file again changes nothing.

        Args:
            path: A table of runs, .csv, .json or .ndjson. Its columns are fields of the spec by
                path, ``seed``, ``outcome``, ``steps`` and metrics. With a column ``step``, each row
                is a recorded point.
            base: Values that all rows share: parts of a spec, or columns by name; also a file.
            columns: Meanings of other column names, such as ``{"loss": "train_loss"}``; None
                ignores a column.
            origin: Where and with what they were computed, in words.
            tags: Tags of all of them.
            dry_run: Only check the file and report its contents.
            observe: Called with the progress while the lab reads the file.

        Raises:
            Refused: The file is not valid; the error's ``problems`` name rows and columns.
            ValueError: The file is not text, or larger than the lab takes.
        """
        body = import_body(
            Path(path), None if base is None else mapping_of(base), columns, origin, tags
        )
        return imports.run(self._transport, body, observe, dry_run=dry_run)

    def sweep(
        self,
        base: Spec,
        axes: Axes | None = None,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        on_duplicate: Literal["reuse", "rerun"] = "reuse",
        notify: str | Sequence[str] | None = None,
    ) -> Sweep:
        """Queues one experiment per combination of values on the axes: all of them, or none.

        ``lab.sweep("phase.yaml")`` queues the sweep in a file, and ``lab.sweep(id)`` fetches one.

        Args:
            base: A spec, which the axes may complete. Without axes: a whole sweep with ``base`` and
                ``axes``, as a dictionary or the path of a file; or the id of one that there is.
            axes: Values by path, ``{"training.length": [4, 8]}``, or a list of axes, each
                ``{"path": "training.length", "values": [4, 8]}``, or with ``"kind":
                "linspace"`` or ``"logspace"`` and low, high and count. ``{"kind": "zip", "axes":
                [...]}`` advances several together; a ``grid`` in it combines its own axes.
            name: Its name. A sweep of yours with this name and base is extended to these axes and
                keeps what it has; one that has further axes is another.
            tags: Tags of every experiment, after those of the base.
            on_duplicate: ``reuse`` equal experiments that are queued, running or completed, or
                ``rerun`` them.
            notify: Whom to notify once all of it has ended, as in :meth:`notify`.

        Raises:
            Refused: Points are not valid; the error's ``problems`` name the fields and the points.

        Example:
            >>> sweep = lab.sweep(base, [{"path": "training.length", "values": [4, 6]}])
            >>> len(sweep.wait().table())
            2
        """
        if axes is None and isinstance(base, str) and not is_path(base):
            return self.sweep_of(base)
        body = sweep_body(base, axes, name, tags)
        parameters = {"on_duplicate": on_duplicate}
        answer = self._transport.create("/v1/sweeps", body, parameters, notify_header(notify))
        return Sweep(self._transport, SweepSubmission.read(answer))

    def check_sweep(
        self,
        base: Spec,
        axes: Axes | None = None,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        on_duplicate: Literal["reuse", "rerun"] = "reuse",
    ) -> SweepCheck:
        """Validates a sweep without storing it: its size, how much is reused, estimated cost.

        The arguments are those of :meth:`sweep`.

        Raises:
            Refused: Points are not valid.
        """
        body, parameters = sweep_body(base, axes, name, tags), {"on_duplicate": on_duplicate}
        return SweepCheck.read(self._transport.dry_run("/v1/sweeps", body, parameters))

    def study(self, name: str, size: Size = "quick") -> Study:
        """A built-in study in one of its sizes; nothing runs before :meth:`Study.submit`."""
        return Study(self._transport, name, size)

    def save_view(self, name: str, page: str, query: str = "") -> View:
        """Saves a view for everybody in the lab: the URL query of a page, under a name.

        Args:
            name: Its name.
            page: Such as ``experiments``, or ``sweep:`` and an id.
            query: What the page's URL has after the question mark.

        Raises:
            Refused: One of them is not valid.
            Conflict: Another view has the name.

        Example:
            >>> view = lab.save_view("near zero", "experiments", "q=tag%3Afigure-1")
            >>> lab.change_view("near zero", query="q=tag%3Afigure-2").query
            'q=tag%3Afigure-2'
            >>> lab.remove_view("near zero")
        """
        body = {"name": name, "page": page, "query": query}
        return View.read(self._transport.create("/v1/views", body))

    def change_view(
        self,
        name: str,
        *,
        new_name: str | None = None,
        page: str | None = None,
        query: str | None = None,
    ) -> View:
        """Changes a saved view; what is None stays.

        Raises:
            NotFound: The lab has none of this name.
            Refused: A new value is not valid, or nothing is given.
            Conflict: Another view has the new name.
        """
        values = {"name": new_name, "page": page, "query": query}
        change = {field: value for field, value in values.items() if value is not None}
        return View.read(self._transport.patch(_view_path(name), change))

    def remove_view(self, name: str) -> None:
        """Removes a saved view; what it shows stays. Raises NotFound."""
        self._transport.delete(_view_path(name))

    def drain(self, id: Reference) -> Worker:  # noqa: A002  # the lab's word
        """Has a worker slot hand back its experiment and claim no more; returns the slot.

        Raises:
            NotFound: The lab has no worker slot of this id.
        """
        path = f"/v1/workers/{quote(id_of(id), safe='')}:drain"
        return Worker.read(self._transport.post(path, repeatable=True))


def _view_path(name: str) -> str:
    return f"/v1/views/{quote(name, safe='')}"
