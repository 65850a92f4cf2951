"""Days on which a clause is in force and that lie in none of its windows: a note names them."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.no_window import in_no_window
from tests.builders import Data, agreement, build, solved, tokens, work

FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "100 USD", "shortfall": {"fee": "100%"}}


def _said(windows: Data, *more: Data, **deal: Any) -> list[str]:
    case = build([tokens("north", 3)], [work()], agreement(FLOOR | {"windows": windows}, **deal), *more, months=12)
    return [note.what for _, note in in_no_window(case)]


def _told(days: str) -> str:
    return f"`floor` is in force {days}, and in none of its windows then: nothing counts"


@pytest.mark.parametrize(
    ("windows", "deal", "days"),
    [
        ({"every": "month", "starts": "2026-03-01"}, {}, ["from 2026-01-01 to 2026-02-28"]),
        ({"every": "term", "starts": "2026-01-02"}, {}, ["on 2026-01-01"]),
        ({"every": "month", "starts": "2025-12-01"}, {}, []),
        ({"every": "month"}, {}, []),
        ({"every": "month", "ramp": ["50%", "50%"]}, {}, ["from 2026-03-01 to 2026-12-31"]),
        ({"every": "month", "ramp": ["50%", "50%"]}, {"ends": None}, []),
        ({"every": "year", "starts": "2025-07-01", "cut": "prorate"}, {"effective": "2025-01-01"}, []),
    ],
)
def test_the_days_are_named(windows: Data, deal: Data, days: list[str]) -> None:
    """Of a ramp of two months in an agreement without an end, and of days before the horizon, nothing is told."""
    assert _said(windows, **deal) == [_told(each) for each in days]


def test_an_amendment_that_starts_its_windows_later_leaves_days_out() -> None:
    """From March on by the quarter that starts in April: 1 to 31 March are in no window of either text."""
    later = FLOOR | {"windows": {"every": "quarter", "starts": "2026-04-01"}, "takes-over": "pro-rata"}
    change = {"id": "change", "with": "north", "amends": "north-deal", "effective": "2026-03-01", "terms": [later]}
    told = _said({"every": "month"}, change)
    assert told == [
        "`floor` is in force from 2026-03-01 to 2026-03-31, and in none of its windows then: nothing counts"
    ]


def test_a_plan_tells_them() -> None:
    term = FLOOR | {"windows": {"every": "month", "starts": "2026-03-01"}}
    found = solved(build([tokens("north", 3)], [work()], agreement(term)))
    assert [note.term for note in found.notes] == ["floor"]
