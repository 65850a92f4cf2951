"""Cases that several commands are asked of: one is well, one nobody can sign, one disputed; and who is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import agreement, data_of, work
from tests.cli.asking import FLOOR, OFFERS, ONLY, READINGS, written
from tests.cli.served import Provider


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return written(tmp_path / "good", data_of(OFFERS, [work()], agreement(FLOOR)))


@pytest.fixture
def clash(tmp_path: Path) -> Path:
    other = agreement(ONLY | {"id": "other", "text": "Only on South."}, party="south")
    return written(tmp_path / "clash", data_of(OFFERS, [work()], agreement(ONLY), other, months=1))


@pytest.fixture
def disputed(tmp_path: Path) -> Path:
    each = [work("chat", labels={"api": "stateless"}), work("agents", labels={"api": "stateful"})]
    share = {"id": "part", "kind": "share", "at-least": "20%"}
    deals = [agreement(ONLY | {"readings": READINGS}), agreement(share, party="south")]
    return written(tmp_path / "disputed", data_of(OFFERS, each, *deals, months=1))


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()
