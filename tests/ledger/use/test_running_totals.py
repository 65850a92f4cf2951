"""Running totals: by which names meters stand in a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from detente.contract.metered.meter import Meter
from detente.contract.own_money import OwnMoney
from detente.contract.reach.scope import Scope, Selection
from detente.contract.reach.window import Calendar
from detente.ledger.use.running_totals import name_of
from detente.values.dated import Dated
from tests.builders import day

WINDOWS = Calendar("month", day("2026-01-01"), day("2026-01-15"), day("2027-01-01"))
EURO = OwnMoney("EUR", Dated(((None, Decimal("1.1")), (date(2026, 2, 1), Decimal("1.6")))), "USD")
METER = Meter("floor", "spend", Selection((Scope({"provider": ("north",)}),)), "spend", WINDOWS)


def test_a_meter_keeps_its_name_from_version_to_version() -> None:
    """By another name every ledger would count anew, and replicas of two versions would share no lease of a cap."""
    assert name_of(METER) == "05854391a0db92219b8449558a414a97"
    assert name_of(replace(METER, money=EURO)) == "c8c9b2fc545047c359b9a6466069e556"


@pytest.mark.parametrize("told", [{"every": "quarter"}, {"since": day("2026-01-16")}, {"count": 3}])
def test_other_windows_are_another_count(told: dict[str, Any]) -> None:
    assert name_of(replace(METER, windows=replace(WINDOWS, **told))) != name_of(METER)


@pytest.mark.parametrize("told", [{"sight": (day("2026-02-01"), day("2026-03-01"))}, {"cut_from": day("2027-02-01")}])
def test_what_moves_no_use_from_window_to_window_changes_no_name(told: dict[str, Any]) -> None:
    assert name_of(replace(METER, windows=replace(WINDOWS, **told))) == name_of(METER)
