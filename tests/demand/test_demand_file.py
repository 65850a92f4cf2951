"""What a trace and a table share: nothing before it is read, and an exact scale."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.demand.trace import TraceSource
from tests.demand.demand_files import hourly, periods, read


def test_nothing_is_read_before_read() -> None:
    with pytest.raises(ValueError, match="was not read"):
        _ = TraceSource(file="t.csv").digest


def test_scale_is_exact_and_outside_the_digest(tmp_path: Path) -> None:
    plain, scaled = (read(tmp_path, hourly(2), scale=s) for s in ("1", "0.1"))
    month = periods("month")[0]
    assert scaled.hourly(month) * 10 == plain.hourly(month)
    assert scaled.digest == plain.digest
