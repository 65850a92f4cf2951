"""What tests of the gateway share: a certificate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.http.certificate import certificate as made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `localhost`, with its key."""
    return made(tmp_path_factory.mktemp("tls"))
