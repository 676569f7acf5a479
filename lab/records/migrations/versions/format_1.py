"""Format 1: the journal, append-only by triggers, and facts about the database itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from lab.records.append_only import append_only

revision = "1"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("at", "kind", "campaign", "run", "body", "prev_hash", "hash")
        ),
    )
    for name in ("campaign", "kind", "run"):
        op.create_index(f"ix_journal_{name}", "journal", [name])
    for statement in append_only(op.get_context().dialect.name):
        op.execute(statement)
