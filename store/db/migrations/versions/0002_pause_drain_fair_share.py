"""Lets experiments be paused and workers drained; indexes the queue by owner for fair shares.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW = (("experiments", "pause_requested", "cancel_requested"), ("workers", "draining", "experiment_id"))
"""Each table, its new column, and the column before it."""

WAITING = sa.text("state = 'queued'")
EVENTS = ("pause_requested", "pause_withdrawn", "paused", "resumed", "attempt_failed")
"""Event kinds that the earlier version doesn't know."""


def upgrade() -> None:
    op.drop_index("experiments_waiting", "experiments")
    copies = op.get_bind().dialect.name == "sqlite"  # then the column can precede the blobs
    for table, column, previous in NEW:
        with op.batch_alter_table(table, recreate="always" if copies else "never") as batch:
            batch.add_column(sa.Column(column, sa.Boolean), insert_after=previous if copies else None)
        op.execute(sa.update(sa.table(table, sa.column(column, sa.Boolean))).values({column: False}))
        with op.batch_alter_table(table) as batch:
            batch.alter_column(column, existing_type=sa.Boolean, nullable=False)
    _index_waiting("state", sa.text("priority DESC"), "owner", "created_at")
    experiments = sa.table("experiments", sa.column("failure_kind", sa.Text))
    op.execute(
        sa.update(experiments).where(experiments.c.failure_kind == "internal").values(failure_kind="infrastructure")
    )


def downgrade() -> None:
    experiments = sa.table("experiments", sa.column("state", sa.Text))
    op.execute(sa.update(experiments).where(experiments.c.state == "paused").values(state="queued"))
    events = sa.table("events", sa.column("kind", sa.Text))
    op.execute(sa.delete(events).where(events.c.kind.in_(EVENTS)))
    op.drop_index("experiments_waiting", "experiments")
    for table, column, _ in NEW:
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
    _index_waiting(sa.text("priority DESC"), "created_at")


def _index_waiting(*order: str | sa.TextClause) -> None:
    columns = [*order, "id", "device", "not_before", "arrival"]
    op.create_index("experiments_waiting", "experiments", columns, sqlite_where=WAITING, postgresql_where=WAITING)
