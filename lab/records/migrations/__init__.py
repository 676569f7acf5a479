"""From one layout of the tables to the next: Alembic revisions, each named by the format that it brings about."""
