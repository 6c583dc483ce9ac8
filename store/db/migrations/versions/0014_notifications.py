"""Creates the table of notifications.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("sweeps", sa.JSON, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("next_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.PrimaryKeyConstraint("number", name="notifications_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("notifications_by_state", "notifications", ["state", "next_at"])
    op.create_index("notifications_by_subject", "notifications", ["subject"])
    op.create_index("notifications_by_digest", "notifications", ["digest", "ended_at"])


def downgrade() -> None:
    op.drop_table("notifications")
