"""Imports: runs that were computed elsewhere, kept beside the lab's own and never taken for them.

An imported experiment is completed from its first moment on, on the device
:data:`store.records.ELSEWHERE`, and its provenance names its file. Its hashes are of the file and
the spec together: whoever looks for an equal spec, as submissions, sweeps and studies do, doesn't
find it. It has metrics and perhaps a series, and no arrays, so nothing begins from it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, insert
from uuid_utils import uuid7

from store.arrays import runs, series
from store.arrays.packed import pack_points
from store.db.database import now
from store.db.tables import events, experiments, tags
from store.db.visible import visible_experiments
from store.experiments.draft import Draft
from store.experiments.submission import batches, lock
from store.records import ELSEWHERE, EventKind, RunRecord, Source, Submission
from store.states import State

SOURCE = Source.IMPORT.value


@dataclass(frozen=True)
class ImportedRuns:
    """An experiment that was run elsewhere.

    Attributes:
        draft: What was run; its hashes as of a spec to be run here.
        runs: How each of its seeds ended.
        points: Its recorded points, columns as :data:`store.arrays.packed.COLUMNS`; none if there
            are no rows.
    """

    draft: Draft
    runs: Sequence[RunRecord]
    points: Mapping[str, np.ndarray]


def add(
    tx: Connection,
    found: Iterable[ImportedRuns],
    *,
    digest: str,
    owner: str,
    provenance: Mapping[str, str],
) -> list[Submission]:
    """Keeps what was found in a file; what was imported from the same before is left as it is.

    Args:
        tx: An open write.
        found: The experiments, no two of an equal spec.
        digest: Names the file and how it was read.
        owner: Who imports.
        provenance: Where it is from, in words.
    """
    wanted = [(_submission(one.draft, digest), one) for one in found]
    lock(tx, [made.spec_hash for made, _ in wanted])
    present = _present(tx, [made.spec_hash for made, _ in wanted])
    at, submissions = now(tx), []
    for made, one in wanted:
        known = present.get(made.spec_hash)
        if known is None:
            _insert(tx, made, one, at, owner=owner, provenance={"source": SOURCE, **provenance})
            submissions.append(made)
        else:
            submissions.append(
                Submission(known, made.state, made.spec_hash, made.setup_hash, True, ())
            )
    return submissions


def _submission(draft: Draft, digest: str) -> Submission:
    setup, whole = (_hash(digest, of) for of in (draft.setup_hash, draft.spec_hash))
    return Submission(f"exp_{uuid7().hex}", State.COMPLETED, whole, setup, False, ())


def _hash(digest: str, of: str) -> str:
    """What no spec that is run here can have."""
    return hashlib.sha256(f"{SOURCE}\0{digest}\0{of}".encode()).hexdigest()


def _present(tx: Connection, hashes: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in batches(hashes):
        query = visible_experiments(experiments.c.spec_hash, experiments.c.id).where(
            experiments.c.spec_hash.in_(some)
        )
        found |= {row.spec_hash: row.id for row in tx.execute(query)}
    return found


def _insert(
    tx: Connection,
    made: Submission,
    one: ImportedRuns,
    at: float,
    *,
    owner: str,
    provenance: Mapping[str, str],
) -> None:
    spec = one.draft.spec
    row = {
        "id": made.id,
        "name": spec.name,
        "notes": spec.notes,
        "spec": one.draft.content,
        "spec_hash": made.spec_hash,
        "setup_hash": made.setup_hash,
        "state": made.state,
        "owner": owner,
        "priority": 0,
        "device": ELSEWHERE,
        "attempt": 0,
        "attempts_without_progress": 0,
        "cancel_requested": False,
        "pause_requested": False,
        "created_at": at,
        "finished_at": at,  # when it was computed, nobody here knows
        "version": 1,
        "warnings": [],
        "provenance": dict(provenance),
    }
    tx.execute(insert(experiments), [row])
    tagged = {"experiment_id": made.id, "created_at": at}
    if spec.tags:
        tx.execute(
            insert(tags), [{**tagged, "tag": tag, "position": n} for n, tag in enumerate(spec.tags)]
        )
    happened = {"experiment_id": made.id, "at": at, "attempt": 0}
    steps = ((EventKind.SUBMITTED, {"owner": owner}), (EventKind.COMPLETED, {"source": SOURCE}))
    tx.execute(
        insert(events), [{**happened, "kind": kind, "detail": detail} for kind, detail in steps]
    )
    runs.write_records(tx, made.id, one.runs)
    series.append(tx, made.id, 0, pack_points(one.points))
