"""A database of its own for a test: a file with an awkward name, or one on a PostgreSQL server where one answers."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from lab.records.database import database_url
from lab.records.reader import open_records
from tests.conftest import missing
from tests.support.plays import keep_play, keep_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.domain import event as ev
    from lab.records.reader import Records


def _postgres() -> str:
    """A database of our own on a server that answers, or a skip."""
    url = os.environ.get("LABWRIGHT_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
    admin = create_engine(
        database_url(url), isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2}
    )
    name = f"labwright_journal_{os.getpid()}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError:
        missing("PostgreSQL", "start a server and set LABWRIGHT_POSTGRES_URL")
    finally:
        admin.dispose()
    return make_url(database_url(url)).set(database=name).render_as_string(hide_password=False)


def _drop(url: str) -> None:
    admin = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def postgres():
    created = _postgres()
    yield created
    _drop(created)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.system)])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return database_url(str(tmp_path / "lab #1? 100%20.db"))


@pytest.fixture
def opened(tmp_path: Path):
    """Name of a golden play, or records of a play -> its records, opened."""
    url = database_url(str(tmp_path / "lab.db"))

    @contextmanager
    def open_(play: str | list[ev.Recorded]) -> Iterator[Records]:
        if isinstance(play, str):
            keep_play(url, play)
        else:
            keep_records(url, play)
        with open_records(url) as records:
            yield records

    return open_
