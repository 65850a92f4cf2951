"""What was given back once is not given twice: credits first, then service credits, then tiers. By hand.

North alone, 1 USD per Mtok, 1000 Mtok a month.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.switches import switches
from detente.report.plans.answer import given_back
from tests.builders import D, Data, agreement, build, charged, data_of, mistakes, solved, tokens, work
from tests.planner.oracle.oracle import Oracle


def pool(amount: str, **more: Any) -> Data:
    return {"id": "pool", "kind": "credit", "amount": amount} | more


def outage(part: str, **more: Any) -> Data:
    """January was available too little."""
    measured = [{"on": "2026-01-15", "availability": "90%"}]
    return {
        "id": "sla",
        "kind": "service-credit",
        "bands": [{"below": "99%", "credit": part}],
        "measured": measured,
    } | more


def rebate(off: str, start: str = "0 USD", name: str = "rebate", **more: Any) -> Data:
    tiers = [{"from": start, "off": off}]
    return {"id": name, "kind": "volume-discount", "method": "all-units", "tiers": tiers} | more


def case(months: int, *terms: Data, offers: tuple[Data, ...] = (), works: tuple[Data, ...] = ()) -> Case:
    sold, done = offers or (tokens("north", 1),), works or (work(),)
    return build([*sold], [*done], agreement(*terms, combine="sum"), months=months)


TWO: dict[str, Any] = {
    "offers": (tokens("north", 1), tokens("north", 1, model="k", id="north-k")),
    "works": (
        work(demand="600 Mtok per month"),
        work("k", demand="400 Mtok per month", **{"runs-on": {"models": ["k"]}}),
    ),
}
"""600 USD a month of the one offer, and 400 of the other."""


@pytest.mark.parametrize(
    ("months", "terms", "more", "cost"),
    [
        # a credit and tiers: 500 of 1000, and no more than is left
        (1, [pool("1 k USD"), rebate("50%")], {}, 0),
        (1, [pool("700 USD"), rebate("50%")], {}, 0),
        (1, [pool("300 USD"), rebate("50%")], {}, 200),
        (1, [pool("1 k USD", rate="40%"), rebate("50%")], {}, 100),
        (2, [pool("1 k USD"), rebate("50%", "1500 USD")], {}, 0),
        (1, [pool("800 USD"), rebate("50%", method="graduated", start="400 USD")], {}, 0),  # 300 of the last 600
        # a pool for 600 of 1000, and 60% of all: 400 are left
        (1, [pool("1 k USD", of={"offer": "north-api"}), rebate("60%")], TWO, 0),
        # a credit and a service credit: half of January
        (1, [pool("700 USD"), outage("50%")], {}, 0),
        (2, [pool("700 USD"), outage("50%")], {}, 1000),
        (2, [pool("700 USD"), outage("50%", cap="200 USD")], {}, 1100),
        # a service credit and tiers: all of January, and half of all months
        (2, [outage("100%"), rebate("50%")], {}, 0),
        (3, [outage("100%"), rebate("50%")], {}, 500),
        # all three: 400, then 500 of January, then 1100 of the 1200 that are 60% of two months
        (2, [pool("400 USD"), outage("50%"), rebate("60%")], {}, 0),
        # two rebates and a credit: 500, 300, and 200 of 500
        (1, [pool("500 USD"), rebate("30%"), rebate("50%", name="other")], {}, 0),
    ],
)
def test_no_more_is_given_back_than_is_left(months: int, terms: list[Data], more: dict[str, Any], cost: int) -> None:
    given = case(months, *terms, **more)
    assert solved(given).cost == D(cost)
    assert Oracle(given).solve() == pytest.approx(cost, abs=1e-6)


MONTHLY: Data = {"windows": {"every": "month"}}
BOTH: Data = {"measured": [{"on": f"2026-0{month}-15", "availability": "90%"} for month in (1, 2)]}


@pytest.mark.parametrize(
    ("terms", "cost"),
    [
        # 500 of January; then 500 of its 600 are left to tiers, and February reaches none: 1800 less 1000
        ([outage("60%", cap="500 USD", **BOTH), rebate("60%", "900 USD", **MONTHLY)], 800),
        ([outage("100%", cap="1000 USD", **BOTH), rebate("80%", "900 USD", **MONTHLY)], 800),
        # 600 of January and 100 of February; 400 and nothing
        ([outage("60%", cap="700 USD", **BOTH), rebate("60%", "900 USD", **MONTHLY)], 700),
        # a credit for 400 of January, 100 of the 600 that are left, and 500: tiers of February come to nothing
        ([pool("400 USD"), outage("60%", cap="100 USD", **BOTH), rebate("80%", "900 USD", **MONTHLY)], 800),
    ],
)
def test_a_cap_in_all_is_used_up_in_order_though_another_month_would_leave_tiers_more(
    terms: list[Data], cost: int
) -> None:
    demand = {"2026-01-01": "1000 Mtok per month", "2026-02-01": "800 Mtok per month"}
    given = case(2, *terms, works=(work(demand=demand),))
    assert solved(given).cost == D(cost)
    assert Oracle(given).solve() == pytest.approx(cost, abs=1e-6)


UNITS: Data = {
    "id": "units",
    "kind": "volume-discount",
    "method": "all-units",
    "listed": "1 EUR per Mtok",
    "tiers": [{"from": "100 Mtok", "price": "0.40 EUR per Mtok"}],
}


@pytest.mark.parametrize(
    ("terms", "currency", "back"),
    [
        # 800 EUR in January, at 1.10; tiers give the 120 USD that are left of it, and 600 of February
        ([outage("100%", cap="800 EUR", **BOTH), rebate("60%", **MONTHLY)], "USD", {"sla": -880, "rebate": -720}),
        # all of January; 833.33 EUR of February are left of 60% of 1742.42, at 1.20
        ([outage("100%"), rebate("60%", "10 EUR")], "USD", {"sla": -1000, "rebate": -1000}),
        # 363.64 EUR are left in January, at 1.10, and 600 of 1000 are given in February, at 1.20
        ([UNITS | MONTHLY, pool("700 USD")], "EUR", {"units": -1120, "pool": -700}),
        # all of February; 909.09 EUR of January are left, and given at 1.20: no more is left in USD
        (
            [outage("100%", measured=BOTH["measured"][1:]), rebate("60%", "10 EUR"), rebate("30%", name="other")],
            "USD",
            {"sla": -1000, "rebate": D("-1090.909090909"), "other": 0},
        ),
    ],
)
def test_what_is_left_goes_by_the_rate_of_its_month(terms: list[Data], currency: str, back: dict[str, Any]) -> None:
    rates = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    price = dict.fromkeys(("input", "output"), f"1 {currency} per Mtok")
    north, exchange = tokens("north", 1) | {"price": price}, [{"rate": rates, "day": "use"}]
    given = build([north], [work()], agreement(*terms, combine="sum"), months=2, exchange=exchange)
    found = solved(given)
    assert {name: charged(found, name) for name in back} == back


def test_what_is_left_is_not_known_in_windows_of_another_length() -> None:
    months = rebate("50%", windows={"every": "month"})
    quarters = outage("100%", windows={"every": "quarter"})
    (found,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(quarters, months)))
    assert "`sla` and `rebate` could give back more than all that use costs, and how much of what the first" in found
    assert "let both cover the same use, in windows that begin on the same days" in found
    assert (
        mistakes(data_of([tokens("north", 1)], [work()], agreement(quarters | {"windows": {"every": "month"}}, months)))
        == []
    )


def test_what_was_given_of_an_invoice_is_known_by_its_months() -> None:
    """Each of two gives no more than all beside the third, after both; what `one` gives is of December on."""
    one = rebate("50%", name="one", of={"offer": "north-api"}, moment="invoice")
    two = rebate("50%", name="two", of={"offer": "north-k"})
    third = rebate("40%")
    (found,) = mistakes(data_of([*TWO["offers"]], [*TWO["works"]], agreement(one, two, third, combine="sum")))
    assert "`one` and `rebate` could give back more than all that use costs, and how much of what the first" in found
    monthly = [each | {"windows": {"every": "month"}} for each in (one, two, third)]
    assert not mistakes(data_of([*TWO["offers"]], [*TWO["works"]], agreement(*monthly, combine="sum")))


def test_what_a_credit_pays_fills_tiers_though_it_is_not_given_back() -> None:
    """700 of 1000 USD are paid, 500 reach the tier, and 300 of the 1000 are left for the half of them."""
    found = case(1, pool("700 USD"), rebate("50%", "500 USD"))
    (credits_,) = (str(each) for each in switches(found, found.terms[1]) if each.name == "credits")
    assert credits_ == "credits: what credits pay counts (the default)"
    assert [each.amount for each in solved(found).postings if each.term == "rebate"] == [-300]


def test_tiers_of_units_give_back_no_more_money_than_is_left() -> None:
    """1000 Mtok at 0.40 in place of 1.00 are 600 back; a credit of 700 leaves 300."""
    tiers = [{"from": "100 Mtok", "price": "0.40 USD per Mtok"}]
    price = {"input": "1 USD per Mtok", "output": "1 USD per Mtok"}
    units = {
        "id": "units",
        "kind": "volume-discount",
        "method": "all-units",
        "listed": "1 USD per Mtok",
        "tiers": tiers,
    }
    given = build([tokens("north", 1) | {"price": price}], [work()], agreement(units, pool("700 USD")), months=1)
    assert solved(given).cost == 0
    assert Oracle(given).solve() == pytest.approx(0, abs=1e-6)


def test_what_gives_back_more_than_was_spent_is_told() -> None:
    """A settlement is no part of what use costs: 2000 USD beside 1000 of use."""
    paid = {"id": "settled", "kind": "payment", "amount": "2 k USD", "on": "2026-01-10", "to": "self"}
    (told,) = given_back(solved(case(1, paid)))
    assert told == "`settled` gives back 1.00 k USD more than is owed to `north`."
    assert given_back(solved(case(1, paid | {"amount": "900 USD"}))) == []
