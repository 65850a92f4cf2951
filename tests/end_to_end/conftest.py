"""The gateways that several tests share: each a real process with a sandbox beside it, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.serving import ENTERPRISE, Gateway, serving
from tests.end_to_end.wires import WIRES, written


@pytest.fixture(scope="package")
def enterprise(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The lead example. What a test breaks in its sandbox it mends."""
    with serving(ENTERPRISE, tmp_path_factory.mktemp("enterprise"), "--sandbox") as gateway:
        yield gateway


@pytest.fixture(scope="package")
def wires(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Every wire, by a model of its own (``wires.CHAT``)."""
    folder = tmp_path_factory.mktemp("wires")
    with serving(written(folder / "case", WIRES), folder, "--sandbox") as gateway:
        yield gateway
