"""Clauses that count use from before they are in force, by hand: of a window that is taken over whole, or by invoice.

100 Mtok a month at 1 EUR, 1.10 USD in January and 1.20 in February: 230 USD. What was agreed for all of the year is
amended on 1 February, or counts what is invoiced from that day on, which is the use of January.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from tests.builders import D, Data, agreement, charged, data_of, mistakes, refused, solved, tokens, work

TURNS: Data = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
USE = D(230)
TAKEN: Data = {"takes-over": "whole-window"}
INVOICED: Data = {"moment": "invoice", "from": "2026-02-01"}
THEN: Data = {"until": "2026-02-01"}


def signed(
    *terms: Data, amended: Data | None = None, price: str = "1 EUR per Mtok", ends: str = "2026-03-01", **head: Any
) -> Data:
    """Two months; a clause as it was signed, and as it is amended in February."""
    deals = [agreement(*terms, id="deal", ends=ends, **head)]
    if amended is not None:
        deals.append(agreement(amended, id="later", ends=ends, amends="deal", effective="2026-02-01"))
    offer = tokens("north", 1) | {"price": {"input": price, "output": price}}
    exchange = [{"rate": TURNS, "day": "use"}]
    return data_of([offer], [work(demand="100 Mtok per month")], *deals, months=2, exchange=exchange)


def floor(amount: str, **more: Any) -> Data:
    return {"id": "c", "kind": "minimum-commitment", "amount": amount} | more


def tiers(off: str, reach: str = "150 EUR", **more: Any) -> Data:
    every = [{"from": reach, "off": off}]
    return {"id": "c", "kind": "volume-discount", "method": "all-units", "tiers": every} | more


def warrants(reach: str, **more: Any) -> Data:
    return {"id": "c", "kind": "warrants", "tranches": [{"reach": reach, "shares": 1}]} | more


def credit(amount: str, **more: Any) -> Data:
    return {"id": "c", "kind": "credit", "amount": amount} | more


def cap(amount: str, **more: Any) -> Data:
    return {"id": "c", "kind": "spending-cap", "amount": amount} | more


# -- in a currency of its own ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "after", "owed"),
    [
        (floor("300 EUR"), floor("250 EUR"), 50 * D("1.2")),
        (tiers("10%"), tiers("10%"), -20 * D("1.2")),  # all of 200 EUR, given back at the end
        (credit("50 EUR"), credit("120 EUR"), -(100 * D("1.1") + 20 * D("1.2"))),  # each part as it is applied
        (cap("300 EUR"), cap("200 EUR"), D(0)),
    ],
)
def test_a_window_that_is_taken_over_whole_is_counted_at_the_rate_of_each_day(
    before: Data, after: Data, owed: D
) -> None:
    found = solved(Case.of(signed(before, amended=after | TAKEN)))
    assert (charged(found, "c"), found.cost) == (owed, USE + owed)


def test_a_cap_on_a_window_that_is_taken_over_whole_is_held_against_it_in_its_currency() -> None:
    """200 EUR are used; 230 USD were less than 199 EUR at the rate of February."""
    refused(Case.of(signed(cap("300 EUR"), amended=cap("199 EUR") | TAKEN)))


@pytest.mark.parametrize(
    ("clause", "owed"),
    [(floor("110 EUR"), 10 * D("1.2")), (tiers("10%", "100 EUR"), -10 * D("1.2")), (warrants("100 EUR"), D(0))],
)
def test_what_was_used_before_its_invoice_is_counted_at_the_rate_of_its_use(clause: Data, owed: D) -> None:
    """The 100 EUR of January, invoiced on 1 February; at the rate of that day they were 91.67."""
    found = solved(Case.of(signed(clause | INVOICED)))
    assert (charged(found, "c"), found.cost) == (owed, USE + owed)
    assert [each.drawn for each in found.standings] == [100]


def test_warrants_count_a_window_that_they_take_over_in_their_currency() -> None:
    found = solved(Case.of(signed(warrants("300 EUR"), amended=warrants("200 EUR") | TAKEN)))
    assert [each.drawn for each in found.standings] == [100, 200]


def test_texts_of_one_charge_are_kept_in_one_currency() -> None:
    """10% of 100 USD in January, as the text before said, and 20% of February's: at 1.10 and 1.20, owed at 1.20."""
    share: Data = {"id": "c", "kind": "revenue-share", "windows": {"every": "year"}}
    before, after = share | {"rate": "10%", "cap-each": "90 USD"}, share | {"rate": "20%", "cap-each": "80 EUR"}
    data = signed(before, amended=after | TAKEN)
    data["workloads"] = [work(demand="100 Mtok per month", revenue="1.10 USD per Mtok")]
    found = solved(Case.of(data))
    assert abs(charged(found, "c") - (10 + 22 / D("1.2")) * D("1.2")) < D("1e-8")
    units: Data = {"id": "c", "kind": "liquidated-damages", "windows": {"every": "year"}}
    before, after = ({"price": f"1 {each} per Mtok", "cap-each": f"99 {each}"} for each in ("USD", "EUR"))
    (said,) = mistakes(signed(units | before, amended=units | after | TAKEN))
    assert "is not charged as this text charges for it; say `takes-over: pro-rata` or `new-window`" in said


def test_a_window_ends_with_its_own_last_day() -> None:
    """One of New York's 31 January, which ends at 05:00 UTC: 100 EUR of 110, and the rest at the rate of January."""
    day = agreement(floor("110 EUR"), id="deal", effective="2026-01-31", ends="2026-02-01", zone="America/New_York")
    data = signed()
    data |= {"horizon": {"start": "2026-01-31", "end": "2026-02-02", "every": "hour"}, "agreements": [day]}
    data["workloads"] = [work(demand="100 Mtok per day")]
    assert charged(solved(Case.of(data)), "c") == 10 * D("1.1")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_use_is_invoiced_on_the_clock_of_its_agreement(zone: str) -> None:
    """Of New York's January, invoiced at 05:00 UTC on 1 February: all of it counts, as the plan has it."""
    data = signed(floor("110 USD") | INVOICED, price="1 USD per Mtok", zone=zone)
    data |= {"exchange": [], "horizon": data["horizon"] | {"zone": zone}}
    assert solved(Case.of(data)).cost == 200 + 10


# -- beside clauses that have ended ------------------------------------------------------------------------------------
PLAN: Data = {"id": "plan", "kind": "savings-plan", "commitment": "0.01 USD per hour"} | THEN
PLAN |= {"rates": {"north-api": "0.5 USD per Mtok"}}
OFF: Data = {"id": "off", "kind": "discount", "off": "30%"} | THEN
BACK: Data = {"id": "back", "kind": "credit", "rate": "60%"} | THEN
CHARGES = "`plan` charges for use that `c` counts, and not by the use"
WHETHER = "and whether `c` counts what was paid before or after it is not said"
LIST: Data = {"measure": "list"}


@pytest.mark.parametrize(
    ("beside", "before", "after", "said"),
    [
        (PLAN, floor("90 USD", **LIST), floor("90 USD"), CHARGES),
        (PLAN, warrants("90 USD", **LIST), warrants("90 USD"), CHARGES),
        (PLAN, cap("900 USD", **LIST), cap("900 USD"), CHARGES),
        (PLAN, None, tiers("10%", "9 USD"), CHARGES),
        (PLAN, None, floor("90 USD"), CHARGES),
        (OFF, floor("90 USD", **LIST), floor("90 USD"), WHETHER),
        (BACK, floor("90 USD", **LIST), floor("90 USD"), WHETHER),
        (OFF, None, floor("90 USD"), WHETHER),
        (BACK, None, floor("90 USD"), WHETHER),
    ],
)
def test_what_may_not_stand_beside_each_other_is_seen_in_use_from_before(
    beside: Data, before: Data | None, after: Data, said: str
) -> None:
    """What one day together in force has always refused; where what was used by then does not count, neither is."""
    both = signed(beside, before, amended=after | TAKEN) if before else signed(beside, after | INVOICED)
    assert any(said in each for each in mistakes(both))
    anew = {"takes-over": "new-window"} if before else {"moment": "invoice", "from": "2026-02-02"}
    apart = signed(beside, before, amended=after | anew) if before else signed(beside, after | anew)
    assert not mistakes(apart)


def test_what_is_invoiced_later_is_what_was_left_of_it() -> None:
    """110 USD of January, of which 66 were given back before: of 60% by invoice in February 44 are left."""
    found = solved(Case.of(signed(BACK, tiers("60%", "9 USD") | INVOICED)))
    assert (charged(found, "back"), charged(found, "c")) == (-66, -44)


def test_tiers_that_take_over_a_window_meet_those_that_gave_back_of_it() -> None:
    gave = tiers("60%", "9 USD", id="t", of={"workload": "chat"}) | THEN
    data = signed(gave, tiers("10%", of={"workload": "mail"}), amended=tiers("60%", "9 USD") | TAKEN)
    data["workloads"].append(work("mail", demand="10 Mtok per month"))
    assert any("`c` and `t` both give back a part" in each for each in mistakes(data))


def test_tiers_of_what_a_discount_left_are_no_sum_with_it() -> None:
    (said,) = mistakes(signed(OFF, tiers("20%", "9 USD") | INVOICED, combine="sum"))
    assert said.startswith("`c` is of what `off` leaves of the price of `north-api`, and `deal` says `combine: sum`")


def test_tiers_in_units_have_the_price_that_use_had_when_it_counts() -> None:
    """Listed at 1 USD, as it costs from February on; in January it cost 2 USD."""
    by_unit: Data = {"id": "c", "kind": "volume-discount", "method": "graduated", "listed": "1 USD per Mtok"}
    by_unit |= {"tiers": [{"from": "9 Mtok", "off": "10%"}]}
    prices = {
        on: {"input": f"{p} USD per Mtok", "output": f"{p} USD per Mtok"}
        for on, p in (("2026-01-01", 2), ("2026-02-01", 1))
    }
    for way, said in (("whole-window", 1), ("new-window", 0)):
        data = signed(tiers("10%"), amended=by_unit | {"takes-over": way})
        data["offers"] = [tokens("north", 1) | {"price": prices}]
        found = mistakes(data)
        assert ["does not cost 1 USD per Mtok for every unit at all times" in each for each in found] == [True] * said
