"""Notes: what is no mistake of a case, and may be one."""

from __future__ import annotations

import pytest

from detente.case.notes import notes
from tests.builders import Data, agreement, build, compute, gpus

FLOOR: Data = {"kind": "minimum-commitment", "amount": "1 k USD"}


@pytest.mark.parametrize(
    ("term", "every", "noted"),
    [
        ({"kind": "price-lock", "method": "fixed", "at": {"north-gpus": "3.5 USD per GPU-hour"}}, "month", True),
        ({"kind": "discount", "off": "10%", "from": "2026-02-10"}, "month", True),
        ({"kind": "discount", "off": "10%", "from": "2026-02-10"}, "day", False),
        (FLOOR | {"windows": {"every": "week", "cut": "prorate"}}, "month", True),
        (FLOOR, "month", False),
    ],
)
def test_money_that_is_counted_within_a_period_of_two_prices_is_noted(term: Data, every: str, noted: bool) -> None:
    offer = gpus("north", {"2026-01-01": "3 USD per GPU-hour", "2026-02-15": "4 USD per GPU-hour"})
    horizon = {"start": "2026-01", "end": "2026-04", "every": every}
    case = build([offer], [compute()], agreement(term | {"id": "c"}, ends="2026-04-01"), horizon=horizon)
    said = [note.what.split(" (")[0] for note in notes(case)]
    assert said == ["`c` counts what a part of Feb 2026 costs, in which the price of `north-gpus` changes"] * noted
