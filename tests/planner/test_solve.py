"""Plans as a whole: prices and times, billions beside fractions of a cent, and odd cases."""

from __future__ import annotations

from detente.planner.solve import plan
from detente.results.conflict import Conflict
from tests.builders import D, agreement, build, by_period, compute, gpus, placed, solved, tokens, two_clouds, work


# -- prices and times ------------------------------------------------------------------------------------
def test_a_price_that_changes_within_a_period() -> None:
    offer = tokens("north", {"2026-01-01": 2, "2026-01-21": 5})
    found = solved(build([offer], [work(demand="310 Mtok per month")], months=1))
    # 20 days at 2, 11 at 5: (40 + 55) / 31 x 310
    assert found.cost == D(950)


def test_demand_that_changes_within_a_period() -> None:
    rate = {"rate": {"2026-01-01": "1 Mtok per day", "2026-01-11": "2 Mtok per day"}}
    # 10 days of 1 and 21 of 2
    assert solved(build([tokens("north", 1)], [work(demand=rate)], months=1)).cost == D(52)


def test_an_offer_that_opens_in_the_middle_of_a_month() -> None:
    late = tokens("south", 1) | {"from": "2026-01-10"}
    found = solved(build([tokens("north", 3), late], [work()], months=2))
    # open for all of February only
    assert by_period(found, "south-api") == [D(0), D(1000)]
    assert found.cost == D(4000)
    sentence = next(d.sentence for d in found.decisions if d.offer == "north-api")
    assert "`chat`" in sentence


def test_a_price_that_is_missing_is_never_zero() -> None:
    dated = tokens("south", {"2026-02-01": 1})
    found = solved(build([tokens("north", 3), dated], [work()], months=2))
    assert by_period(found, "south-api") == [D(0), D(1000)]


def test_growth() -> None:
    rate = {"rate": "100 Mtok per month", "growth": "10% per month"}
    # 100 + 110 + 121
    assert solved(build([tokens("north", 1)], [work(demand=rate)], months=3)).cost == D(331)


def test_a_typical_week_stands_for_its_month() -> None:
    horizon = {"start": "2026-01", "end": "2026-03", "every": "hour", "typical": "week"}
    profile = {"hours": ["0%"] * 12 + ["200%"] * 12, "weekend": "100%"}
    chat = work(demand={"rate": "744 Mtok per month", "profile": profile})
    # half of the day there is nothing; South takes 1.5 Mtok in each of the other hours, 372 in January, 336 in
    # February: 558 and 504 Mtok of 744, and North the rest
    offers = [tokens("north", 3), tokens("south", 2, capacity="1.5 Mtok per hour")]
    found = solved(build(offers, [chat], months=2, horizon=horizon), gap=1e-4)
    assert len(found.periods) == 336
    assert abs(found.cost - (558 * 2 + 186 * 3 + 504 * 2 + 240 * 3)) < D("0.001")
    assert {(p.span_start.month, p.span_end.month) for p in found.periods} == {(1, 2), (2, 3)}


def test_batch_work_waits_for_the_cheap_day() -> None:
    horizon = {"start": "2026-01-01", "end": "2026-01-05", "every": "day"}
    night = work("night", "10 Mtok per day", kind="batch", within="2 days")
    offer = tokens("north", {"2026-01-01": 5, "2026-01-02": 1, "2026-01-03": 2, "2026-01-04": 7})
    found = solved(build([offer], [night], months=1, horizon=horizon))
    # the 1st and 2nd run on the 2nd (1), the 3rd and 4th on the 3rd (2): 20 x 1 + 20 x 2
    assert (found.cost, by_period(found, "north-api")) == (D(60), [D(0), D(20), D(20), D(0)])


# -- scale -----------------------------------------------------------------------------------------------
def test_billions() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "300 bn USD"}
    offers = [gpus("north", 3, capacity="40 M GPU"), gpus("south", 2, capacity="40 M GPU")]
    case = build(offers, [compute(demand="20 M GPU")], agreement(floor), months=12)
    found = solved(case, gap=1e-4)
    # 20 M GPUs x 8760 hours = 175.2 bn GPU-hours; 100 bn of them at North for 3, the rest at South for 2
    assert abs(found.cost - D("450.4e9")) < D("1e6")
    assert abs(found.commitments[0].drawn - D(300_000_000_000)) < D("1e6")


def test_fractions_of_a_cent() -> None:
    offers = [tokens("north", "0.0003"), tokens("south", "0.0002")]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "0.003 USD", "shortfall": "forbidden"}
    found = solved(build(offers, [work(demand="20 Mtok per month")], agreement(floor), months=1))
    # 10 Mtok at North for 0.003, 10 at South for 0.002
    assert (found.cost, placed(found)) == (D("0.005"), {"north-api": D(10), "south-api": D(10)})


def test_billions_beside_cents() -> None:
    """A workload of a cent must not vanish beside one of a billion."""
    large = work("large", "1 bn Mtok per month")
    offers = [tokens("north", 3), tokens("south", 2)]
    for small in ("0.1", "0.001", "0.000001"):  # down to a single token
        found = solved(build(offers, [work("small", f"{small} Mtok per month"), large], months=1))
        assert placed(found, "small") == {"south-api": D(small)}
        assert found.cost == D("2000000000") + 2 * D(small)


# -- odd cases -------------------------------------------------------------------------------------------
def test_no_demand() -> None:
    found = solved(
        build([tokens("north", 3), gpus("north", 3)], [work(demand="0 Mtok per month"), compute(demand="0 GPU")])
    )
    assert (found.cost, found.bound, found.gap, found.status) == (D(0), D(0), D(0), "optimal")
    assert (found.allocations, found.purchases, found.unserved) == ((), (), ())


def test_no_capacity() -> None:
    none = tokens("north", 3, capacity="0 Mtok per hour")
    found = solved(build([none], [work(value="9 USD per Mtok")], months=1))
    assert (found.cost, found.unserved_cost, found.bill) == (D(9000), D(9000), D(0))
    conflict = plan(build([none], [work()], months=1))
    assert isinstance(conflict, Conflict)
    assert conflict.clauses == ()
    assert set(conflict.facts) == {
        "`chat` must be served: it has no `value`, so it cannot go unserved",
        "`north-api` has no more capacity (0 Mtok per hour)",
    }


def test_work_that_is_not_worth_its_price() -> None:
    found = solved(build([tokens("north", 3)], [work(value="2 USD per Mtok")], months=1))
    assert (found.cost, [u.work for u in found.unserved]) == (D(2000), [D(1000)])


def test_a_free_offer() -> None:
    found = solved(build([tokens("north", 0), tokens("south", 2)], [work()], months=1))
    assert (found.cost, found.gap, placed(found)) == (D(0), D(0), {"north-api": D(1000)})


def test_data_that_moves() -> None:
    chat = work(data={"at": "north/dublin", "moves": "2 GB per Mtok"})
    networks = [
        {"from": "*", "to": "*", "price": "0.80 USD per GB"},
        {"from": "north", "to": "south", "price": "0.20 USD per GB"},
    ]
    found = solved(build([tokens("north", 3), tokens("south", 2)], [chat], months=1, networks=networks))
    # South 2 + 2 x 0.20 = 2.40
    assert (found.cost, placed(found)) == (D(2400), {"south-api": D(1000)})
    spend = {p.provider: p.spend for p in found.providers}
    assert (spend["north"], spend["south"]) == (D(400), D(2000))  # the place that data leaves is paid for moving it


def test_rows_add_up() -> None:
    case = two_clouds({"id": "part", "kind": "share", "at-least": "25%"})
    found = solved(case)
    assert sum(a.cost for a in found.allocations) == found.bill
    assert found.cost == found.bill + found.unserved_cost
    assert [(w.demand, w.served) for w in found.workloads] == [(D(6000), D(6000))]
    assert {p.provider: (p.spend, p.work) for p in found.providers if p.spend} == {
        "north": (D(4500), {"Mtok": D(1500)}),
        "south": (D(9000), {"Mtok": D(4500)}),
    }
    assert sum(p.share_of_spend for p in found.providers) == 1
    (clause,) = found.clauses
    assert clause.binds
    # each further Mtok owed to North costs 1 USD more
    assert {m.price for m in clause.marginal} == {D(1)}
