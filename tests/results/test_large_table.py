"""The large tables of a saved plan: written by us, they are what pydantic and json write."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from detente.planner.solve import plan
from detente.results.checksum import CHECKSUM
from detente.results.plan import Plan
from detente.results.plan_rows import Allocation, CapacityRow
from detente.values.money import in_decimals, of_nanos
from detente.values.quantity import plain
from tests.builders import two_clouds

STRANGE = 'ü "\\ \x7f\U0001f600'


@pytest.mark.parametrize("empty", [False, True])
def test_a_saved_plan_is_what_others_write(empty: bool) -> None:
    found = plan(two_clouds())
    assert isinstance(found, Plan)
    amounts = of_nanos(-1_500), Decimal("0E-9"), Decimal("1E+3")
    rows = () if empty else (*found.allocations, Allocation(STRANGE, "o", "p", STRANGE, 0, *amounts))
    limits = () if empty else (*found.capacity, CapacityRow("o", STRANGE, 1, None, *amounts))
    found = replace(found, allocations=rows, capacity=limits)
    text = found.to_json()
    written = TypeAdapter(Plan).dump_json(found).decode()
    assert text.startswith(f'{{"{CHECKSUM}":"')
    assert text.partition(",")[2] == written[1:]
    saved = json.loads(text)
    digest = saved.pop(CHECKSUM)
    assert digest == hashlib.sha256(json.dumps(saved, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize("nanos", [0, 1, -1, 10**9, 1_500_000_000, -1_230, 10**30, -(10**30) - 1, 999_999_999])
def test_nanos_are_written_as_their_decimal_is(nanos: int) -> None:
    assert in_decimals(nanos) == plain(of_nanos(nanos))
