"""What the oracle states, by hand; what it does not is told by name, and never another number. As in ``terms``."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from tests.builders import Data, agreement, build, compute, gpus, solved, tokens, two_clouds, work
from tests.planner.oracle.oracle import Oracle
from tests.planner.oracle.stated import NotStatedError


def floor(**more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": "5 k USD", "shortfall": {"fee": "20%"}} | more


def of_prices_that_change() -> Case:
    """Of 4 GPUs two are covered for 1.40 an hour, and two cost 1.00, from 15 February 0.80: 336 hours of each."""
    prices = {"2026-01": "1.00 USD per GPU-hour", "2026-02-15": "0.80 USD per GPU-hour"}
    rates = {"north-gpus": "0.70 USD per GPU-hour"}
    plan = {"id": "plan", "kind": "savings-plan", "commitment": "1.40 USD per hour", "rates": rates}
    deal = agreement(plan, effective="2026-02-01", ends="2026-03-01")
    days = {"start": "2026-02-01", "end": "2026-03-01", "every": "day"}
    return build([gpus("north", prices)], [compute("jobs", "4 GPU")], deal, horizon=days)


CAP = {"id": "liability", "kind": "liability-cap", "amount": "3 k USD"}
DAMAGES = {"id": "damages", "kind": "liquidated-damages", "except": [{"provider": "north"}], "within": "liability"}


@pytest.mark.parametrize(
    ("case", "cost"),
    [
        # 20% of 5,000 for each half-year, the second of three months: 2,000 more than at South alone
        (two_clouds(floor(windows={"every": "half-year"}), months=9), 18_000 + 2_000),
        (of_prices_that_change(), 336 * (1.40 + 2.00) + 336 * (1.40 + 1.60)),
        (two_clouds(DAMAGES | {"price": "1.20 USD per Mtok"}, CAP), 12_000 + 3_000),
        # of 2,000 a month 40% of what is missing, less half of the first, which goes on to the second and is owed there
        (
            two_clouds(floor(amount="2 k USD", windows={"every": "month"}, deferral=["50%", "0%"]), months=2),
            4_000 + 800,
        ),
    ],
)
def test_what_it_states(case: Case, cost: float) -> None:
    assert Oracle(case).solve() == pytest.approx(cost)
    assert float(solved(case).cost) == pytest.approx(cost)


IN_EUR = {
    "exchange": [{"rate": {"2026-01": "1.10 USD per EUR", "2026-02": "1.20 USD per EUR"}, "day": "use"}],
    "horizon": {"start": "2026-01", "end": "2026-03", "every": "month"},
}


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ({"terms": [floor(shortfall={"charged-as": "prepayment"})]}, "`floor` charges what is missing"),
        ({"terms": [floor(amount="5 k EUR")], **IN_EUR}, "`floor` is in a currency whose rate changes"),
        ({"work": {"value": "9 EUR per Mtok"}, **IN_EUR}, "`chat` has a price in a currency whose rate changes"),
        (
            {"deal": {"zone": "America/New_York"}, "terms": [floor(windows={"cut": "prorate"})]},
            "`floor` is in the zone America/New_York",
        ),
        (
            {"terms": [{"id": "up", "kind": "escalator", "by": "5%", "every": "1 month", "cap": "3%"}]},
            "`up` says `cap`",
        ),
        ({"work": {"demand": {"rate": "1000 Mtok per month", "factor": "200%"}}}, "`chat` says `factor`"),
    ],
)
def test_what_it_does_not_know_is_told(of: Data, told: str) -> None:
    head = {key: value for key, value in of.items() if key not in ("terms", "work", "deal")}
    deal = agreement(*of.get("terms", ()), **of.get("deal", {}))
    case = build([tokens("north", 3), tokens("south", 2)], [work() | of.get("work", {})], deal, months=2, **head)
    with pytest.raises(NotStatedError, match=told):
        Oracle(case)
