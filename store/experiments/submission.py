"""Submission: drafts become experiments, one or many at a time, or reuse equal ones.

A large submission is staged first (:mod:`store.experiments.staging`), so that the write that
submits it has little left to do.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from store.db.database import now
from store.db.tables import AnyRow
from store.experiments import duplicates, insertion, staging, tags
from store.experiments.draft import Draft, Options, SubmissionItem
from store.experiments.staging import StagedBatch
from store.ids import times
from store.records import Submission


def submit_one(
    tx: Connection,
    draft: Draft,
    *,
    owner: str,
    options: Options,
    warnings: Sequence[str],
    rerun: bool,
) -> Submission:
    """Submits one experiment, like :func:`submit`.

    Raises:
        SpecError: The experiment starts from another, and can't.
    """
    (submission,) = submit(tx, [(draft, warnings)], owner=owner, options=options, rerun=rerun)
    return submission


def submit(
    tx: Connection,
    items: Sequence[SubmissionItem],
    *,
    owner: str,
    options: Options,
    rerun: bool = False,
    staged: StagedBatch | None = None,
) -> list[Submission]:
    """Queues experiments; equal queued, running or completed ones are reused and gain the tags.

    Args:
        tx: An open write.
        items: The experiments, all different. All new ones become visible when it is committed.
        owner: The submitter.
        options: Options of the new experiments; reused ones keep their own.
        rerun: Queue new experiments even if there are equal ones.
        staged: The staged batch of these items, published here.

    Raises:
        SpecError: A new experiment starts from another, and can't.
        StoreUnavailable: The staged batch was abandoned.
    """
    duplicates.lock(tx, [draft.spec_hash for draft, _ in items])
    staged_by_hash = _staged_submissions(tx, staged)
    reusable: dict[str, AnyRow] = {}
    if not rerun:
        unstaged = [d.spec_hash for d, _ in items if d.spec_hash not in staged_by_hash]
        reusable = duplicates.find_reusable(tx, unstaged, lock_rows=True)
        if staged is not None and staged.id is not None:
            reusable |= duplicates.submitted_since_staging(tx, staged.id)

    submissions, new, reused = [], [], []
    for draft, warnings in items:
        row, submission = reusable.get(draft.spec_hash), staged_by_hash.get(draft.spec_hash)
        if row is not None:
            submission = duplicates.reused_submission(row)
            reused.append((row, draft.spec.tags))
        elif submission is None:
            submission = insertion.queued_submission(draft, warnings)
            new.append((submission, draft))
        submissions.append(submission)

    if staged is not None and staged.id is not None:
        submitted = {submission.id for submission in submissions}
        unwanted = {submission.id for submission in staged.new.values()} - submitted
        staging.publish(tx, staged.id, without=unwanted)
    insertion.insert_queued(tx, new, times(now(tx), len(new)), owner=owner, options=options)
    tags.merge(tx, reused)
    return submissions


def _staged_submissions(tx: Connection, staged: StagedBatch | None) -> dict[str, Submission]:
    """The staged experiments, and those reused at staging that still can be, by spec hash."""
    if staged is None:
        return {}
    reusable = duplicates.still_reusable(tx, [s.id for s in staged.reused.values()])
    still_reused = {key: s for key, s in staged.reused.items() if s.id in reusable}
    return {**staged.new, **still_reused}
