"""A ledger for each test: in a file, and where a test asks for ``both``, in PostgreSQL too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from tests.ledger.postgres_server import OWN, a_server, schema_of
from tests.ledger.served import fresh


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL."""
    if OWN in os.environ:
        yield os.environ[OWN]
        return
    with a_server() as server:
        yield server.url


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty ledger."""
    if getattr(request, "param", "sqlite") == "postgres":
        url = schema_of(request.getfixturevalue("postgres"), f"t{uuid4().hex}")
        with open_store(url, make=True) as found:
            yield found
    else:
        with fresh(tmp_path) as found:
            yield found
