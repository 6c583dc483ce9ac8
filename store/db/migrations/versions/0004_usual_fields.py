"""Stores the most queried fields of specs in columns, covered by the index of the newest.

Revision ID: 0004
Revises: 0003
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

USUAL = {
    "teacher.kind": sa.Text,
    "teacher.dim": sa.BigInteger,
    "student.kind": sa.Text,
    "student.dim": sa.BigInteger,
    "student.structure": sa.Text,
    "student.start.kind": sa.Text,
    "student.start.scale": sa.Double,
    "training.length": sa.BigInteger,
    "optimizer.kind": sa.Text,
    "optimizer.lr": sa.Double,
    "optimizer.steps": sa.BigInteger,
}
NAMES = [f"spec_{field.replace('.', '_')}" for field in USUAL]
WAITING = sa.text("state = 'queued'")
NEWEST = ["created_at", "id"]


def upgrade() -> None:
    copies = op.get_bind().dialect.name == "sqlite"  # then the columns can precede the blobs
    _drop_indexes()
    with op.batch_alter_table("experiments", recreate="always" if copies else "never") as batch:
        previous = "baselines"
        for name, kind in zip(NAMES, USUAL.values(), strict=True):
            batch.add_column(sa.Column(name, kind), insert_after=previous if copies else None)
            previous = name
    spec = sa.column("spec", sa.JSON)
    table = sa.table("experiments", spec, *(sa.column(name) for name in NAMES))
    read = (_read(spec[tuple(field.split("."))], kind) for field, kind in USUAL.items())
    op.execute(sa.update(table).values(dict(zip(NAMES, read, strict=True))))
    _make_indexes([*NEWEST, "arrival", *NAMES])


def downgrade() -> None:
    _drop_indexes()
    with op.batch_alter_table("experiments") as batch:
        for name in NAMES:
            batch.drop_column(name)
    _make_indexes(NEWEST)


def _read(inner: Any, kind: type) -> Any:
    if kind is sa.Double:
        return inner.as_float()
    return inner.as_string() if kind is sa.Text else sa.cast(inner.as_string(), kind)


def _drop_indexes() -> None:
    """Drops the indexes: copying the table would lose the descending order of the queue's."""
    for name in ("experiments_newest", "experiments_waiting"):
        op.drop_index(name, "experiments")


def _make_indexes(newest: list[str]) -> None:
    op.create_index("experiments_newest", "experiments", newest)
    waiting: list[str | sa.TextClause] = ["state", sa.text("priority DESC"), "owner", "created_at", "id", "device", "not_before", "arrival"]
    op.create_index("experiments_waiting", "experiments", waiting, sqlite_where=WAITING, postgresql_where=WAITING)
