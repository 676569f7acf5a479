"""Format 2: snapshots of the state, and what is over in parts of its own. The journal stays as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two more tables. Empty: the next engine fills them."""
    op.create_table(
        "part",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "snapshot",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        if_not_exists=True,
    )
