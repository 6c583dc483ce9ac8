"""Relative errors of teachers without a baseline are NaN, undefined; they were infinite.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

from core.arrays import pack, unpack

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RELATIVE = ["relative_extrapolation_error"]
ON_SEQUENCES = ["sequence_fit_error", "sequence_extrapolation_error"]
NO_BASELINE = (
    "relative_extrapolation_error is undefined: the teacher's response is 0 for k <= j < q, so "
    "there is no baseline to compare with."
)
NO_VARIANCE = (
    "sequence_fit_error and sequence_extrapolation_error are undefined: the teacher's outputs are "
    "constant, so there is no variance to compare with."
)
WARNINGS = {RELATIVE[0]: NO_BASELINE, ON_SEQUENCES[0]: NO_VARIANCE}

Metrics = list[str]

experiments = sa.table(
    "experiments", sa.column("id"), sa.column("teacher_response"), sa.column("baselines", sa.JSON)
)
runs = sa.table(
    "runs",
    *map(sa.column, ("experiment_id", "seed", "zero_baseline", *RELATIVE, *ON_SEQUENCES)),
    sa.column("warnings", sa.JSON),
    sa.column("non_finite", sa.JSON),
)
chunks = sa.table(
    "series_chunks", sa.column("experiment_id"), sa.column("number"), sa.column("payload")
)


def upgrade() -> None:
    tx = op.get_bind()
    without_baseline = sa.select(runs.c.experiment_id).where(runs.c.zero_baseline == 0).distinct()
    query = sa.select(experiments).where(experiments.c.id.in_(without_baseline))
    for experiment in tx.execute(query).all():
        of_experiment = {
            table: table.c.experiment_id == experiment.id for table in (runs, chunks)
        }
        undefined = [*RELATIVE, *(ON_SEQUENCES if _is_silent(experiment.teacher_response) else [])]
        for run in tx.execute(sa.select(runs).where(of_experiment[runs])).all():
            its_own = runs.c.seed == run.seed
            changed = sa.update(runs).where(of_experiment[runs], its_own)
            tx.execute(changed.values(_of_run(run, undefined)))
        for chunk in tx.execute(sa.select(chunks).where(of_experiment[chunks])).all():
            its_own = chunks.c.number == chunk.number
            changed = sa.update(chunks).where(of_experiment[chunks], its_own)
            tx.execute(changed.values(payload=_of_chunk(chunk.payload, undefined)))
        if experiment.baselines:
            changed = sa.update(experiments).where(experiments.c.id == experiment.id)
            tx.execute(changed.values(baselines=_of_baselines(experiment.baselines, undefined)))


def downgrade() -> None:
    """Changes nothing: the earlier version reads NaN as well."""


def _is_silent(teacher_response: bytes | None) -> bool:
    return teacher_response is not None and not unpack(teacher_response)["response"].any()


def _of_run(run: Any, undefined: Metrics) -> dict[str, Any]:
    """The changed columns of a run; a metric that it doesn't have stays missing."""
    names = [name for name in undefined if getattr(run, name) is not None or name in run.non_finite]
    sentences = [WARNINGS[name] for name in names if name in WARNINGS]
    return {
        **dict.fromkeys(names),
        "non_finite": run.non_finite | dict.fromkeys(names, "NaN"),
        "warnings": list(dict.fromkeys([*run.warnings, *sentences])),
    }


def _of_chunk(payload: bytes, undefined: Metrics) -> bytes:
    columns = unpack(payload)
    return pack(
        columns
        | {name: np.full_like(columns[name], np.nan) for name in undefined if name in columns}
    )


def _of_baselines(baselines: Sequence[Mapping[str, Any]], undefined: Metrics) -> list[Any]:
    return [
        {
            **baseline,
            "summary": {
                name: "NaN" if name in undefined else value
                for name, value in baseline["summary"].items()
            },
        }
        for baseline in baselines
    ]
