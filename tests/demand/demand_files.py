"""Traces and tables as files: written, read, and refused."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detente.demand.trace import TraceSource
from detente.values.period import Horizon, Period
from tests.real_data import DATA, needs

WORKLOAD = DATA / "workload"
real = needs(WORKLOAD)
START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday


def spelled(keys: dict[str, Any]) -> dict[str, Any]:
    return {key.rstrip("_").replace("_", "-"): value for key, value in keys.items()}


def read(folder: Path, content: str | bytes, kind: Any = TraceSource, name: str = "t.csv", **keys: Any) -> Any:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return kind.model_validate({"file": name, **spelled(keys)}).read(folder)


def refused(folder: Path, content: str | bytes, kind: Any = TraceSource, **keys: Any) -> str:
    with pytest.raises(ValueError, match=r"^t\.csv") as error:
        read(folder, content, kind, **keys)
    return str(error.value)


def csv_of(rows: list[tuple[datetime, int, int]]) -> str:
    return "timestamp,input_tokens,output_tokens\n" + "".join(f"{t:%FT%T.%fZ},{i},{o}\n" for t, i, o in rows)


def hourly(hours: int, start: datetime = START, size: Any = lambda h: 1000 + h) -> str:
    """A request at the start and the end of each hour; the last one closes the trace."""
    rows = []
    for h in range(hours):
        at = start + timedelta(hours=h)
        rows += [(at, size(h), 0), (at + timedelta(minutes=59, seconds=59, microseconds=999_999), 0, size(h))]
    return csv_of(rows)


def periods(every: str, start: str = "2026-01-05", end: str = "2026-02-02", **more: str) -> tuple[Period, ...]:
    return Horizon.model_validate({"start": start, "end": end, "every": every, **more}).periods()


def parquet(columns: dict[str, Any], compression: str = "snappy") -> bytes:
    pyarrow, written = pytest.importorskip("pyarrow"), io.BytesIO()
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), written, compression=compression)
    return written.getvalue()


def load(kind: Any, **keys: Any) -> Any:
    return kind.model_validate(spelled(keys)).read(WORKLOAD)
