"""Extends the indexes of experiments, so that counts by state, owner and device read only them.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEWEST = [
    "created_at",
    "id",
    "arrival",
    "spec_teacher_kind",
    "spec_teacher_dim",
    "spec_student_kind",
    "spec_student_dim",
    "spec_student_structure",
    "spec_student_start_kind",
    "spec_student_start_scale",
    "spec_training_length",
    "spec_optimizer_kind",
    "spec_optimizer_lr",
    "spec_optimizer_steps",
]
BY_STATE = ["state", "created_at", "id"]


def upgrade() -> None:
    _make_indexes([*NEWEST, "state", "owner", "failure_kind", "device"], [*BY_STATE, "arrival"])


def downgrade() -> None:
    _make_indexes(NEWEST, BY_STATE)


def _make_indexes(newest: list[str], by_state: list[str]) -> None:
    for name, columns in (("experiments_newest", newest), ("experiments_by_state", by_state)):
        op.drop_index(name, "experiments")
        op.create_index(name, "experiments", columns)
