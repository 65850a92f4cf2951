"""The oracle and the planner, of texts that come one after the other and of rebates that stand apart, by hand."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from tests.builders import Data, agreement, compute, data_of, gpus, solved, tokens, work
from tests.planner.oracle.oracle import Oracle


def both(data: Data) -> tuple[float, float]:
    """What a plan costs, and what the oracle says."""
    case = Case.of(data)
    expected = Oracle(case).solve()
    assert expected is not None
    return float(solved(case).cost), expected


@pytest.mark.parametrize(
    ("before", "after", "takes", "more"),
    [
        ({"cap-each": "90 USD"}, {}, "whole-window", 60 + 360),  # capped to uncapped: each part at its rate, and no cap
        ({"cap-each": "90 USD"}, {}, "new-window", 22.5 + 360),  # a quarter of its cap
        ({}, {}, "whole-window", 60 + 360),
        ({"cap-each": "50 USD"}, {"cap-each": "80 USD"}, "whole-window", 80),
    ],
)
def test_a_charge_that_an_amendment_changes(before: Data, after: Data, takes: str, more: float) -> None:
    """200 USD of revenue a month: 10% of three months are 60 USD, and 20% of nine 360; 1,200 USD of use."""
    share: Data = {"id": "c", "kind": "revenue-share", "windows": {"every": "year"}}
    first = agreement(share | {"rate": "10%"} | before, id="deal", ends="2027-01")
    second = share | {"rate": "20%", "takes-over": takes} | after
    later = agreement(second, id="later", ends="2027-01", amends="deal", effective="2026-04-01")
    used = work(demand="100 Mtok per month", revenue="2 USD per Mtok")
    data = data_of([tokens("north", 1)], [used], first, later, months=12)
    assert both(data) == pytest.approx((1200 + more, 1200 + more), abs=0.01)


@pytest.mark.parametrize("way", ["product", "best-of"])
def test_rebates_that_lower_different_use_stand_apart(way: str) -> None:
    """60% of 31 days of 10 GPUs for 7,440 USD, and 50% of 1,000 USD of tokens: both reach 8,000 USD together."""
    made = [{"from": "8 k USD", "off": "60%"}], [{"from": "8 k USD", "off": "50%"}]
    lowered = {"product": "gpu"}, {"product": "tokens"}
    rebates: list[Data] = [
        {"id": f"v{k}", "kind": "volume-discount", "method": "all-units", "tiers": tiers, "lowers": lowers}
        for k, (tiers, lowers) in enumerate(zip(made, lowered, strict=True))
    ]
    uses = [work(demand="1000 Mtok per month"), compute(demand="10 GPU")]
    data = data_of([tokens("north", 1), gpus("north", 1)], uses, agreement(*rebates, combine=way), months=1)
    expected = 7440 * 0.4 + 1000 * 0.5
    assert both(data) == pytest.approx((expected, expected), abs=0.01)


GPU: Data = {"product": "gpu"}
TOKENS: Data = {"product": "tokens"}


@pytest.mark.parametrize("way", ["product", "best-of", "sum"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"lowers": GPU}, {"lowers": TOKENS}),
        ({"lowers": GPU}, {"of": TOKENS}),
        ({"measure": "list", "of": GPU}, {"measure": "list", "of": TOKENS}),
        ({"measure": "list", "lowers": TOKENS}, {"of": GPU}),
    ],
)
def test_two_rebates_of_one_agreement_cost_what_the_oracle_says(one: Data, other: Data, way: str) -> None:
    """A second seller is cheaper than the list, and not than what the tiers leave."""
    tiers = [{"from": "500 USD", "off": "10%"}, {"from": "6 k USD", "off": "45%"}]
    alike = {"kind": "volume-discount", "method": "all-units", "tiers": tiers}
    rebates = [alike | {"id": "a"} | one, alike | {"id": "b"} | other]
    offers = [tokens("north", 1), gpus("north", 1), tokens("south", "0.8"), gpus("south", "0.8")]
    uses = [work(demand="1000 Mtok per month"), compute(demand="10 GPU")]
    found, expected = both(data_of(offers, uses, agreement(*rebates, combine=way), months=1))
    assert found == pytest.approx(expected, abs=0.01)
