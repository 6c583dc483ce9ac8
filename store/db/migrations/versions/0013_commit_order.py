"""Stores the order in which events were committed, and the seconds that experiments trained.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DEFAULTS = {
    "txid": "txid_current()",
    "oldest_txid": "txid_snapshot_xmin(txid_current_snapshot())",
}


def upgrade() -> None:
    op.add_column(
        "experiments", sa.Column("trained_seconds", sa.Double, nullable=False, server_default="0")
    )
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for name, default in DEFAULTS.items():
        op.add_column("events", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
        if is_postgresql:  # earlier events, with 0, are older than all others
            op.alter_column("events", name, server_default=sa.text(default))
    not_zero = sa.text("txid > 0")
    op.create_index(
        "events_by_txid", "events", ["txid"], sqlite_where=not_zero, postgresql_where=not_zero
    )


def downgrade() -> None:
    op.drop_index("events_by_txid", "events")
    for name in reversed(DEFAULTS):
        op.drop_column("events", name)
    op.drop_column("experiments", "trained_seconds")
