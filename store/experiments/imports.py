"""Imports: runs that were computed elsewhere, stored beside the lab's own.

An imported experiment is completed from the start, on the device :data:`store.records.ELSEWHERE`,
and its provenance names its file. Its hashes cover the file and the spec together, so submissions,
sweeps and studies never reuse it. It has metrics and perhaps a series but no arrays, so no
experiment can start from it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, insert

from store.arrays import runs, series
from store.arrays.packed import pack_points
from store.db.batches import batches
from store.db.database import now
from store.db.tables import experiments
from store.db.visible import visible_experiments
from store.experiments import duplicates, insertion, pooling
from store.experiments.draft import Draft, Options
from store.ids import new_id, times
from store.records import ELSEWHERE, EventKind, RunRecord, Source, Submission
from store.states import State

SOURCE = Source.IMPORT.value


@dataclass(frozen=True)
class ImportedRuns:
    """An experiment that was run elsewhere.

    Attributes:
        draft: The spec, with the hashes that it would have here.
        runs: How each of its seeds ended.
        points: Its recorded points, with the columns of :data:`store.arrays.packed.COLUMNS`; may be
            empty.
    """

    draft: Draft
    runs: Sequence[RunRecord]
    points: Mapping[str, np.ndarray]


def add(
    tx: Connection,
    imported: Sequence[ImportedRuns],
    *,
    digest: str,
    owner: str,
    provenance: Mapping[str, str],
) -> list[Submission]:
    """Stores the experiments of a file; those imported from the same file before are reused.

    Args:
        tx: An open write.
        imported: The experiments, all of different specs.
        digest: Identifies the file and how it was read.
        owner: The importer.
        provenance: Where the file comes from, in words.
    """
    new_submissions = [_new_submission(runs_of.draft, digest) for runs_of in imported]
    hashes = [submission.spec_hash for submission in new_submissions]
    duplicates.lock(tx, hashes)
    existing = _existing(tx, hashes)
    submissions: list[Submission] = []
    submitted = times(now(tx), len(imported))
    for runs_of, new, at in zip(imported, new_submissions, submitted, strict=True):
        experiment_id = existing.get(new.spec_hash)
        if experiment_id is None:
            _insert(tx, new, runs_of, at, owner=owner, provenance=provenance)
            submissions.append(new)
        else:
            reused = Submission(
                experiment_id, new.state, new.spec_hash, new.setup_hash, reused=True, warnings=()
            )
            submissions.append(reused)
    pooling.pool(tx, [one.setup_hash for one in submissions if not one.reused])
    return submissions


def _new_submission(draft: Draft, digest: str) -> Submission:
    hashes = _hash(digest, draft.spec_hash), _hash(digest, draft.setup_hash)
    return Submission(new_id("exp"), State.COMPLETED, *hashes, reused=False, warnings=())


def _hash(digest: str, lab_hash: str) -> str:
    """A hash that no spec run in the lab has."""
    return hashlib.sha256(f"{SOURCE}\0{digest}\0{lab_hash}".encode()).hexdigest()


def _existing(tx: Connection, hashes: Sequence[str]) -> dict[str, str]:
    """The ids of existing experiments, by spec hash."""
    query = visible_experiments(experiments.c.spec_hash, experiments.c.id)
    ids: dict[str, str] = {}
    for batch in batches(hashes):
        rows = tx.execute(query.where(experiments.c.spec_hash.in_(batch)))
        ids |= {row.spec_hash: row.id for row in rows}
    return ids


def _insert(
    tx: Connection,
    new: Submission,
    imported: ImportedRuns,
    at: float,
    *,
    owner: str,
    provenance: Mapping[str, str],
) -> None:
    draft = imported.draft
    row = insertion.experiment_row(new, draft, at, owner=owner, options=Options(), device=ELSEWHERE)
    tx.execute(
        insert(experiments),
        [{**row, "finished_at": at, "provenance": {"source": SOURCE, **provenance}}],
    )
    insertion.insert_tags(tx, [(new, draft)], [at])
    insertion.insert_events(tx, [new], [at], EventKind.SUBMITTED, {"owner": owner})
    insertion.insert_events(tx, [new], [at], EventKind.COMPLETED, {"source": SOURCE})
    runs.write_records(tx, new.id, imported.runs)
    series.append(tx, new.id, 0, pack_points(imported.points))
