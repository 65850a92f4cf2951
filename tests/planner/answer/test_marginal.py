"""Marginal prices of what clauses ask: of rows that only say what a clause's own columns are, nothing is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import D, Data, agreement, build, solved, tokens, two_clouds, work


def prices(*terms: Data) -> list[tuple[str, Decimal, str]]:
    found = solved(two_clouds(*terms))
    return sorted({(m.part, m.price, m.unit) for c in found.clauses for m in c.marginal})


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        # each USD of it pays for a USD at North, where work costs 3 and not 2: a third is lost by it
        ({"kind": "credit", "amount": "2 k USD"}, [("amount", D("0.666666667"), "USD per USD")]),
        # what is earned is a part of spend: nothing is asked
        ({"kind": "credit", "rate": "40%"}, []),
        # of 20 k USD, 6 months at 3000 are reached at most: a USD more is a USD more of the fee
        (
            {
                "kind": "minimum-commitment",
                "amount": "20 k USD",
                "counts": [{"of": {"product": "tokens"}, "at-most": "50%"}],
            },
            [("floor", D(1), "USD per USD")],
        ),
        # tiers and their switches ask for nothing
        (
            {
                "kind": "volume-discount",
                "method": "graduated",
                "tiers": [{"from": "0 USD", "off": "0%"}, {"from": "1 k USD", "off": "40%"}],
            },
            [],
        ),
        # a third of a USD is lost for each that must be spent at 3 instead of 2
        ({"kind": "minimum-commitment", "amount": "5 k USD"}, [("floor", D("0.333333333"), "USD per USD")]),
        ({"kind": "share", "at-least": "30%"}, [("at-least", D(1), "USD per Mtok")]),
        # all of it: one less there is one at 2
        ({"kind": "share", "at-least": "100%"}, [("at-least", D(1), "USD per Mtok")]),
    ],
)
def test_only_what_is_asked_has_a_price(term: Data, expected: list[tuple[str, Decimal, str]]) -> None:
    assert prices({"id": "clause"} | term) == expected


def test_a_capped_share_of_revenue_has_no_price_of_its_switch() -> None:
    share = {"id": "share", "kind": "revenue-share", "rate": "20%", "cap": "1 k USD"}
    case = build([tokens("north", 3)], [work(revenue="9 USD per Mtok")], agreement(share))
    assert [c.marginal for c in solved(case).clauses] == [()]
