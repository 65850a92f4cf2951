"""A clause that was amended is several versions of one id: each is planned, priced and blamed by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from detente.planner.solve import plan
from detente.planner.study import Study
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from tests.builders import (
    EXACT,
    D,
    Data,
    agreement,
    build,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    refused,
    solved,
    tokens,
    ways,
    work,
)
from tests.drawing import drawing
from tests.drawn_cases import worlds
from tests.planner.oracle.oracle import Oracle
from tests.terms.drawn import SHAPING_KINDS, generator, pick, sold_for

CHEAP = [tokens("north", 3), tokens("south", 2)]
APRIL = "2026-04-01"


def amended(before: Data, after: Data, *others: Data, **how: Any) -> list[Data]:
    """A clause, and what an amendment of 1 April makes of it."""
    return [
        agreement(before, *others, id="deal", **how),
        agreement(after, id="amendment", amends="deal", effective=APRIL, **how),
    ]


def cap(amount: str, **more: Any) -> Data:
    return {"id": "cap", "kind": "spending-cap", "amount": amount, "windows": {"every": "month"}} | more


ONLY: Data = {"id": "only", "kind": "exclusivity"}


# -- windows from before the amendment -----------------------------------------------------------------------------
JANUARY: Data = {"windows": {"every": "month", "starts": "2026-01-01"}}


def test_a_credit_counts_no_spend_from_before_it() -> None:
    """2000 USD a month at South for six months; 10% back in three of them, 20% in the others."""
    before, after = ({"id": "c", "kind": "credit", "rate": rate} | JANUARY for rate in ("10%", "20%"))
    found = solved(build(CHEAP, [work()], *amended(before, after, party="south")))
    assert found.cost == D(12_000 - 3 * 200 - 3 * 400)


def test_a_commitment_asks_nothing_from_before_it() -> None:
    """2000 USD a month at South for six months; 500 USD short in three of them, 1000 USD in the others."""
    before, after = (
        {"id": "c", "kind": "minimum-commitment", "amount": amount} | JANUARY for amount in ("2500 USD", "3000 USD")
    )
    found = solved(build(CHEAP, [work()], *amended(before, after, party="south")))
    assert found.cost == D(12_000 + 3 * 500 + 3 * 1000)


def test_a_clause_in_force_late_counts_from_then_on() -> None:
    """10% back of 2000 USD in each of March to June, though windows are stated to start in January."""
    credit = {"id": "c", "kind": "credit", "rate": "10%", "from": "2026-03-01"} | JANUARY
    found = solved(build(CHEAP, [work()], agreement(credit, party="south")))
    assert found.cost == D(12_000 - 4 * 200)


# -- a window that runs on the day of the amendment ------------------------------------------------------------------
# North alone, 1 USD per Mtok: 1000 USD a month, so 3000 until the end of March and 3000 after
def floors(how: str | None, *, on: str = APRIL, **more: Any) -> list[Data]:
    """10 k USD over half a year, and from some day on 12 k USD."""
    floor: Data = {"id": "floor", "kind": "minimum-commitment"}
    after = floor | {"amount": "12 k USD"} | ({"takes-over": how} if how else {}) | more
    return [
        agreement(floor | {"amount": "10 k USD"}, id="deal", ends="2026-07-01"),
        agreement(after, id="amendment", amends="deal", effective=on, ends="2026-07-01"),
    ]


def alone(agreements: list[Data]) -> Data:
    return data_of([tokens("north", 1)], [work()], *agreements)


@pytest.mark.parametrize(
    ("how", "asked", "cost"),
    [
        # 6000 are spent in the half year, and 12,000 asked of it
        ("whole-window", [("superseded", 10_000, 3000), ("floor", 12_000, 6000)], 12_000),
        # 3 of 6 months: 5000 of 10,000 and 6000 of 12,000, of which 3000 are spent each time
        ("pro-rata", [("floor", 5000, 3000), ("floor", 6000, 3000)], 11_000),
        # 5000 of 10,000, and a window of three months with all of the 12,000
        ("new-window", [("floor", 5000, 3000), ("floor", 12_000, 3000)], 17_000),
    ],
)
def test_what_becomes_of_a_window_that_runs(how: str, asked: list[tuple[str, int, int]], cost: int) -> None:
    found = solved(Case.of(alone(floors(how))))
    assert [(s.role, s.amount, s.drawn) for s in found.standings] == asked
    assert found.cost == D(cost)
    assert Oracle(Case.of(alone(floors(how)))).solve() == pytest.approx(cost)


def test_parts_go_by_the_day_where_they_are_no_whole_months() -> None:
    """105 of 181 days, and 76 of them: 10,000 x 105/181, and 12,000 x 76/181."""
    found = solved(Case.of(alone(floors("pro-rata", on="2026-04-16"))))
    assert [s.amount for s in found.standings] == [D("5801.104972376"), D("5038.674033149")]
    assert Oracle(Case.of(alone(floors("pro-rata", on="2026-04-16")))).solve() == pytest.approx(float(found.cost))


def test_a_window_that_runs_is_never_asked_in_silence() -> None:
    (only,) = mistakes(alone(floors(None)))
    assert only.startswith(
        "the window Jan 2026 – Jun 2026 of the text that `floor` replaces runs on 2026-04-01, and what becomes"
    )
    assert all(way in only for way in ("`takes-over: whole-window`", "`pro-rata`", "`new-window`"))


def test_a_first_day_before_the_amendment_is_no_way_to_say_it() -> None:
    (only,) = mistakes(alone(floors("pro-rata", **{"from": "2026-01-01"})))
    assert only.startswith("`from` is 2026-01-01, before the agreement takes effect (2026-04-01)")
    assert not mistakes(alone(floors("whole-window", **{"from": "2026-01-01"})))


def test_windows_out_of_step_are_not_taken_over_whole() -> None:
    (only,) = mistakes(alone(floors("whole-window", windows={"every": "quarter"})))
    assert "is to take over the window Jan 2026 – Jun 2026, and its own begins on 2026-04-01" in only


def test_nothing_is_taken_over_where_nothing_is_replaced() -> None:
    first, _ = floors(None)
    first["terms"][0]["takes-over"] = "pro-rata"
    (only,) = mistakes(alone([first]))
    assert "`floor` replaces no earlier text that is in force" in only


def test_a_cap_and_a_credit_are_taken_over_too() -> None:
    """A pool of 2000 USD, of which 2000 are used in January and February; then one of 2500 for the same half year."""
    for how, back in (("whole-window", 2500), ("pro-rata", 1000 + 1250), ("new-window", 1000 + 2500)):
        credit: Data = {"id": "pool", "kind": "credit", "amount": "2 k USD"}
        after = credit | {"amount": "2500 USD", "takes-over": how}
        signed = [
            agreement(credit, id="deal", ends="2026-07-01"),
            agreement(after, id="amendment", amends="deal", effective=APRIL, ends="2026-07-01"),
        ]
        found = solved(Case.of(alone(signed)))
        assert found.cost == D(6000 - back), how
        assert Oracle(Case.of(alone(signed))).solve() == pytest.approx(6000 - back)


def test_a_text_without_an_amount_takes_over_one_that_has_it() -> None:
    """A tenth of each month's 3,000 USD is given back: up to 500, and from 16 January on without a limit."""
    credit: Data = {"id": "c", "kind": "credit", "rate": "10%", "windows": {"every": "month"}}
    for how in ("whole-window", "pro-rata"):
        deals = [
            agreement(credit | {"amount": "500 USD"}, id="deal"),
            agreement(credit | {"takes-over": how}, id="later", amends="deal", effective="2026-01-16"),
        ]
        case = build([tokens("north", 3)], [work()], *deals, months=2)
        assert solved(case).cost == D(6000) * D("0.9")
        assert Oracle(case).solve() == pytest.approx(5400)


def test_an_amendment_at_the_edge_of_a_window_takes_nothing_over() -> None:
    """5000 in the first quarter and 7000 in the second, of which 3000 are spent in each."""
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "windows": {"every": "quarter"}}
    found = solved(build(CHEAP[:1], [work()], *amended(floor | {"amount": "10 k USD"}, floor | {"amount": "12 k USD"})))
    assert [(s.amount, s.drawn) for s in found.standings] == [(10_000, 9000), (12_000, 9000)]


# -- conflicts -----------------------------------------------------------------------------------------------------
def test_a_conflict_names_the_version_that_collides() -> None:
    """100 k USD in each month until the end of March, and 500 USD from then on; all costs 3000 USD a month."""
    found = refused(build(CHEAP, [work()], *amended(cap("100 k USD"), cap("500 USD"), ONLY)))
    (clash,) = (each for each in found.clauses if each.term == "cap")
    assert (clash.version.start, clash.version.end) == (day(APRIL), day("2026-07-01"))
    assert (clash.version.name, clash.agreement) == ("`cap` (2026 Q2)", "amendment")
    assert "500.00 USD" in clash.sentence
    # without the cap 1000 Mtok a month at 3 USD: 2500 more in each of three months; or elsewhere at 2, all but 500 / 3
    assert ways(found) == [
        ("only", D("2500.000"), D("15500.000")),
        ("cap", D("7500.000"), D("18000.000")),
    ]
    (raised,) = (way for way in found.relaxations if way.term == "cap")
    assert raised.version == clash.version
    assert raised.sentence.endswith("(Apr 2026: 2.50 k USD; May 2026: 2.50 k USD; Jun 2026: 2.50 k USD)")


def test_a_clause_that_collides_before_and_after_gives_in_both_versions() -> None:
    found = refused(build(CHEAP, [work()], *amended(cap("1000 USD"), cap("500 USD"), ONLY)))
    assert [c.term for c in found.clauses].count("cap") == 1  # the first collision, which is minimal
    gives = [way for way in found.relaxations if way.term == "cap"]
    assert [(w.version.start, round(w.given[0].amount)) for w in gives] == [
        (day("2026-01-01"), 6000),
        (day(APRIL), 7500),
    ]
    first, second = gives
    assert first.sentence.endswith("; only together with `cap` (2026 Q2)")
    assert second.together == (first.version,)
    assert {w.cost for w in gives} == {D(18_000)}
    assert not found.joint  # the exclusivity may give in place of it
    without = build(CHEAP, [work()], *amended(cap("6000 USD"), cap("8000 USD"), ONLY))
    assert solved(without).cost == D(18_000)


def test_a_clause_that_was_not_amended_goes_by_its_id() -> None:
    found = refused(build(CHEAP, [work()], agreement(cap("500 USD"), ONLY)))
    assert {c.version.name for c in found.clauses} == {"`cap`", "`only`"}


def test_without_a_clause_all_its_versions_are_out() -> None:
    study = Study.of(build(CHEAP, [work()], *amended(cap("1000 USD"), cap("500 USD"), ONLY)))
    assert not study.possible()
    assert study.without(["cap"]).possible()


# -- marginal prices -----------------------------------------------------------------------------------------------
def test_a_marginal_price_stands_on_the_version_that_binds() -> None:
    """A share of 0% of North's, and from April on one of 40%, which costs 1 USD per Mtok more."""
    share: Data = {"id": "part", "kind": "share", "at-least": "0%", "windows": {"every": "month"}}
    found = solved(build(CHEAP, [work()], *amended(share, share | {"at-least": "40%"})))
    assert [(c.start, c.binds, {m.start.month for m in c.marginal}) for c in found.clauses] == [
        (day("2026-01-01"), False, set()),
        (day(APRIL), True, {4, 5, 6}),
    ]


def test_what_is_denied_is_priced_on_the_version_that_denies() -> None:
    only = ONLY | {"of": {"workload": "other"}}
    found = solved(build(CHEAP, [work(), work("other", value="9 USD per Mtok")], *amended(only, ONLY)))
    prices = [{(m.start.month, m.part) for m in c.marginal} for c in found.clauses]
    assert [{month for month, _ in each} for each in prices] == [{1, 2, 3}, {4, 5, 6}]


# -- standby -------------------------------------------------------------------------------------------------------
def test_each_version_of_a_redundancy_clause_has_its_own_standby() -> None:
    """One workload must survive until the end of March, the other from then on."""

    def survives(name: str) -> Data:
        return {"id": "spare", "kind": "redundancy", "survives": "100%", "of": {"workload": name}}

    offers = [gpus("north", 2), gpus("south", 3)]
    jobs = [compute("one", "4 GPU"), compute("two", "2 GPU")]
    found = solved(build(offers, jobs, *amended(survives("one"), survives("two"), party="self")))
    kept = {(row.workload, row.period) for row in found.standby}
    assert kept == {("one", t) for t in (0, 1, 2)} | {("two", t) for t in (3, 4, 5)}


# -- the law -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", SHAPING_KINDS)
@drawing(3)
@given(data=st.data())
def test_an_amended_clause_is_two_clauses_one_after_the_other(kind: str, data: st.DataObject) -> None:
    world = data.draw(worlds(most=1))
    party = pick(data.draw, *dict.fromkeys(o["provider"] for o in sold_for(kind, world)))
    one, two = ({"kind": kind, "text": "T."} | generator(kind)(data.draw, world, party) for _ in range(2))
    ends = world["horizon"]["end"]
    first: Data = {"party": party, "ends": "2026-02-01"}
    then: Data = {"party": party, "ends": ends}
    versions = _read(
        world,
        agreement({"id": "c", **one}, id="c1", party=party, ends=ends),
        agreement({"id": "c", **two}, id="c2", effective="2026-02-01", amends="c1", **then),
    )
    clauses = _read(
        world,
        agreement({"id": "c1", **one}, id="c1", **first),
        agreement({"id": "c2", **two}, id="c2", effective="2026-02-01", **then),
    )
    found, expected = plan(versions, gap=EXACT), plan(clauses, gap=EXACT)
    if isinstance(found, Conflict) or isinstance(expected, Conflict):
        assert isinstance(found, Conflict)
        assert isinstance(expected, Conflict)
        assert [c.agreement for c in found.clauses] == [c.agreement for c in expected.clauses]
        return
    assert found.cost == pytest.approx(expected.cost, abs=D("0.01"))
    assert _windows(found) == _windows(expected)


def _read(world: Data, *agreements: Data) -> Case:
    try:
        return Case.of(world | {"agreements": [*world["agreements"], *agreements]})
    except CaseError:
        assume(False)
        raise


def _windows(found: Plan) -> list[tuple[object, ...]]:
    return [(c.agreement, c.start, c.end, c.binds, len(c.marginal)) for c in found.clauses]
