"""Submission and extension of sweeps.

A sweep becomes visible as a whole: its experiments, its row and its members are written in one
transaction, or staged first (:mod:`store.sweeps.staging`) and published in that transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, update

from store.db.tables import AnyRow, sweeps
from store.errors import StoreUnavailable
from store.experiments import duplicates
from store.experiments.draft import Options
from store.experiments.submission import submit as submit_experiments
from store.records import Submission
from store.sweeps import members, rows, staging
from store.sweeps.draft import SweepDraft
from store.sweeps.staging import StagedSweep


@dataclass(frozen=True)
class SubmittedSweep:
    """A submitted sweep, new or an equal existing one (``reused``), and its experiments."""

    id: str
    reused: bool
    members: Sequence[Submission]


def submit(
    tx: Connection,
    draft: SweepDraft,
    *,
    owner: str,
    options: Options,
    rerun: bool = False,
    staged: StagedSweep | None = None,
) -> SubmittedSweep:
    """Stores a sweep with all its experiments; equal existing experiments become its members.

    A sweep of the same name, owner and base is the same one, unless ``rerun``: it gets the draft's
    axes and what it lacks on them, in place of experiments that failed, were cancelled or removed.
    One that has further axes, or no name and other axes, is another.

    Raises:
        SpecError: A new experiment starts from another, and can't.
        StoreUnavailable: The staged sweep was abandoned.
    """
    duplicates.lock(tx)  # those of one experiment too, else each would look for the same sweep
    submissions = submit_experiments(
        tx,
        draft.items,
        owner=owner,
        options=options,
        rerun=rerun,
        staged=None if staged is None else staged.experiments,
    )
    staged_id = None
    if staged is not None:
        staging.publish(tx, staged)
        staged_id = staged.sweep_id
    same_id = None if rerun else rows.find_same(tx, draft, owner, except_id=staged_id)
    if same_id is not None:
        sweep = rows.get(tx, same_id, sweeps.c.axes, sweeps.c.version, lock=True)
        if sweep.axes != draft.content["axes"]:
            present, _ = members.read(tx, same_id)
            _change_axes(tx, same_id, sweep.version, present, draft)
        members.replace_at_points(tx, same_id, draft.points, submissions)
        _remove_staged(tx, staged_id)
        return SubmittedSweep(same_id, True, submissions)
    if staged is None or staged_id is None:
        sweep_id = rows.add(tx, draft, owner)
        members.add(tx, sweep_id, 0, draft.points, submissions)
        return SubmittedSweep(sweep_id, False, submissions)
    members.replace_changed(
        tx, staged_id, draft.points, staged.experiments.submissions, submissions
    )
    return SubmittedSweep(staged_id, False, submissions)


def extend(
    tx: Connection,
    sweep_id: str,
    draft: SweepDraft,
    *,
    known_axes: Sequence[Mapping[str, Any]],
    owner: str,
    options: Options,
    staged: StagedSweep | None = None,
) -> SubmittedSweep:
    """Gives a sweep other axes, and queues the experiments that are missing on them.

    Existing members stay with their experiments, even off the new axes; their coordinates on a new
    axis are their specs' values. New members come after them. ``known_axes`` are those of the sweep
    when the draft was made.

    Raises:
        NotFound: There is no such sweep.
        SpecError: A new experiment starts from another, and can't.
        StoreUnavailable: The staged extension was abandoned, or the axes have changed.
    """
    duplicates.lock(tx)
    sweep = rows.get(tx, sweep_id, sweeps.c.axes, sweeps.c.version, lock=True)
    if sweep.axes not in (known_axes, draft.content["axes"]):
        raise StoreUnavailable(
            "the sweep's axes were changed in the meantime; nothing was stored, try again"
        )
    present, _ = members.read(tx, sweep_id)
    missing = draft.without({row.spec_hash for row in present})
    submissions: list[Submission] = []
    if missing.items or staged is not None:
        submissions = submit_experiments(
            tx,
            missing.items,
            owner=owner,
            options=options,
            staged=None if staged is None else staged.experiments,
        )
    if staged is not None:
        staging.publish(tx, staged)
    _change_axes(tx, sweep_id, sweep.version, present, draft)
    position = present[-1].position + 1 if present else 0
    staged_id, before = (
        (None, ()) if staged is None else (staged.sweep_id, staged.experiments.submissions)
    )
    if staged_id is not None and _spec_hashes(before) == _spec_hashes(submissions):
        members.replace_changed(tx, staged_id, missing.points, before, submissions)
        members.move(tx, staged_id, sweep_id, position)
    else:  # nothing is staged, or someone else extended the sweep in the meantime
        members.add(tx, sweep_id, position, missing.points, submissions)
    _remove_staged(tx, staged_id)
    return SubmittedSweep(sweep_id, True, submissions)


def _change_axes(
    tx: Connection, sweep_id: str, version: int, present: Sequence[AnyRow], draft: SweepDraft
) -> None:
    """Gives a sweep the axes of a draft, and its members coordinates on them."""
    change = update(sweeps).where(sweeps.c.id == sweep_id)
    tx.execute(change.values(axes=draft.content["axes"], version=version + 1))
    members.update_coordinates(tx, sweep_id, present, draft.points)


def _spec_hashes(submissions: Sequence[Submission]) -> list[str]:
    return [submission.spec_hash for submission in submissions]


def _remove_staged(tx: Connection, sweep_id: str | None) -> None:
    if sweep_id is not None:
        tx.execute(delete(sweeps).where(sweeps.c.id == sweep_id))
