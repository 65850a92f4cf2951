"""Tables as Parquet files: what is written is what is read."""

from __future__ import annotations

import io
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.values.parquet import as_parquet, columns_as_parquet

parquet = pytest.importorskip("pyarrow.parquet")

EXACT = st.integers(-(10**30), 10**30).map(lambda nanos: Decimal(nanos).scaleb(-9))
ROWS = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "exact": st.none() | EXACT,
        "whole": st.none() | st.integers(-(2**31), 2**31 - 1),
        "flag": st.none() | st.booleans(),
    }
)


def read(data: bytes | None) -> list[dict[str, Any]]:
    assert data is not None
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(data)).to_pylist()
    return rows


@settings(deadline=None)
@given(rows=st.lists(ROWS, max_size=20))
def test_rows_are_read_as_they_were_written(rows: list[dict[str, Any]]) -> None:
    names = ["text", "exact", "whole", "flag"]
    data = as_parquet(rows, columns=names, exact=["exact"], whole=["whole"], flags=["flag"])
    assert read(data) == rows


def test_the_kinds_of_its_columns() -> None:
    data = columns_as_parquet(
        {"t": ["a"], "e": [Decimal(1)], "w": [1], "f": [True]}, exact=["e"], whole=["w"], flags=["f"]
    )
    assert data is not None
    schema = parquet.read_schema(io.BytesIO(data))
    assert [str(kind) for kind in schema.types] == ["string", "decimal128(38, 9)", "int32", "bool"]


def test_whole_billionths_are_the_same_as_decimals() -> None:
    assert read(columns_as_parquet({"e": [1_500_000_000, -1]}, exact=["e"])) == [
        {"e": Decimal("1.5")},
        {"e": Decimal("-1e-9")},
    ]


def test_writing_one_imports_no_pandas() -> None:
    code = "import sys, detente.values.parquet as p; p.as_parquet([{'t': 'x'}]); print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_no_amount_loses_a_part() -> None:
    with pytest.raises(ValueError, match="no whole number of billionths"):
        columns_as_parquet({"e": [Decimal("1.0000000001")]}, exact=["e"])
