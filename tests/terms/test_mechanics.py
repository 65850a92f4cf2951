"""Mechanics of paper that have no kind of their own, in the form that `docs/terms/mechanics.md` gives.

And what its rows say to write.

North alone, 1000 Mtok a month at 1 USD for half a year: 6,000 USD.
"""

from __future__ import annotations

import re

import pytest

from detente.terms import KINDS
from tests.builders import D, Data, agreement, build, charged, compute, gpus, solved, tokens, work
from tests.terms.mechanic_rows import PAGE, MechanicRow, rows

TERM: Data = {"every": "term"}


@pytest.mark.parametrize(
    ("terms", "cost"),
    [
        # prepaid, and lost where it is not used: 8,000 are paid, and all of the use is out of them
        (
            [
                {"id": "p", "kind": "payment", "amount": "8 k USD", "on": "2026-01-01"},
                {"id": "c", "kind": "credit", "amount": "8 k USD"},
            ],
            8000,
        ),
        # and where it does not last: 4,000, and 2,000 more at the card's price
        (
            [
                {"id": "p", "kind": "payment", "amount": "4 k USD", "on": "2026-01-01"},
                {"id": "c", "kind": "credit", "amount": "4 k USD"},
            ],
            6000,
        ),
        # overage at a higher price: the list is that price, and the first 4,000 Mtok are a fifth cheaper
        (
            [{"id": "v", "kind": "volume-discount", "method": "graduated", "listed": "1 USD per Mtok",
              "tiers": [{"from": "0 Mtok", "price": "0.80 USD per Mtok"}, {"from": "4 Gtok", "off": "0%"}]}],
            5200,
        ),
        # 500 Mtok of each month are free
        (
            [{"id": "v", "kind": "volume-discount", "method": "graduated", "listed": "1 USD per Mtok",
              "windows": {"every": "month"},
              "tiers": [{"from": "0 Mtok", "off": "100%"}, {"from": "500 Mtok", "off": "0%"}]}],
            3000,
        ),
        # a fifth is paid in advance, and taken off each invoice until it is used up
        (
            [
                {"id": "p", "kind": "payment", "amount": "900 USD", "on": "2026-01-01"},
                {"id": "c", "kind": "credit", "rate": "20%", "amount": "900 USD"},
            ],
            6000,
        ),
        # made good at half: an option to pay 2,000 for the 4,000 that are missing
        ([{"id": "m", "kind": "minimum-commitment", "amount": "10 k USD", "shortfall": {"fee": "50%"}}], 8000),
    ],
)  # fmt: skip
def test_the_form_that_the_page_gives(terms: list[Data], cost: int) -> None:
    assert solved(build([tokens("north", 1)], [work()], agreement(*terms))).cost == D(cost)


def test_a_milestone_missed_and_drawn_later() -> None:
    """5,000 are asked by April, of which 3,000 are used: 2,000 are prepaid, and the next months draw them."""
    milestone = {"by": "2026-04-01", "reach": "5 k USD", "fee": "100%", "charged-as": "prepayment"}
    term = {"id": "m", "kind": "minimum-commitment", "amount": "6 k USD", "milestones": [milestone]}
    found = solved(build([tokens("north", 1)], [work()], agreement(term)))
    assert found.cost == 6000
    assert charged(found, "m") == 0


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.mechanic[:40])
def test_what_a_row_says_to_write_can_be_written(row: MechanicRow) -> None:
    assert row.words - row.allowed == set()


def test_a_row_is_held_to_the_kinds_that_it_links_to() -> None:
    row = MechanicRow("a ramp", ("take-or-pay",), ("windows: { every: year, ramps: [20%] }", "3 Gtok", "unit: 1"))
    assert row.words == {"windows", "every", "year", "ramps", "unit"}
    assert row.words - row.allowed == {"ramps"}
    assert "deferral" in MechanicRow("", ("minimum-commitment",), ()).allowed
    assert "deferral" not in row.allowed


def test_every_kind_that_moves_a_number_is_named_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"\(([a-z-]+)\.md", text))
    assert set(KINDS) <= named


def test_a_reservation_that_is_exchanged_is_held_up_to_that_day() -> None:
    """Ten GPUs at 1 USD for 120 days, then at 0.90 for 245, and a fee of 500: 28,800 + 52,920 + 500."""
    held = gpus("north", 1, id="held", buy="reserved", term="4 months", starts=["2026-01-01"])
    instead = gpus("north", "0.90", id="instead", buy="reserved", term="8 months", starts=["2026-05-01"])
    fee = {"id": "fee", "kind": "payment", "amount": "500 USD", "on": "2026-05-01"}
    case = build([held, instead, gpus("south", 3)], [compute()], agreement(fee), months=12)
    found = solved(case)
    assert found.cost == D(82_220)
    assert [(p.offer, p.units, f"{p.end:%Y-%m-%d}") for p in found.purchases] == [
        ("held", 10, "2026-05-01"),
        ("instead", 10, "2027-01-01"),
    ]
