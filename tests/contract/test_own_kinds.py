"""Kinds of clause that are defined here and nowhere else: what they count, and what they leave to be decided.

A floor of work, in tokens: its amounts and its marginal price are in tokens' unit, and nowhere in dollars. Lots of
work, of which a plan decides how many: whole numbers, which the exact bill knows.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest
import yaml
from rich.console import Console

from detente import terms
from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED, Decided, Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.window import Every
from detente.contract.roles import PriceChange
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.term import Term
from detente.errors import CaseError, SettleError
from detente.planner.solving.incumbent import Incumbent
from detente.planner.study import Study
from detente.report.pages.plans_page import render
from detente.report.plans import answer
from detente.report.plans.explanation import ClauseExplanation, explain
from detente.report.plans.terminal import plan_view
from detente.results.plan import Plan
from detente.values.facts import Facts
from detente.values.money import Cash, WorkPrice
from detente.values.quantity_field import Portion, Work
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
    rated,
    refused,
    settled_of,
    solved,
    tokens,
    two_clouds,
    use,
    work,
)
from tests.replayed import replayed
from tests.report.read_page import Page


class TokenFloor(Term):
    """At least so much work in each window, or a fee for each unit that is missing."""

    kind: Literal["token-floor"]
    amount: Work
    fee: WorkPrice | None = None
    windows: Every = Every(every="month")
    theirs = True

    @property
    def work(self) -> Meter:
        """Work in each window."""
        return Meter(self.id, "work", self.covered, "work", self.calendar(self.windows))

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return (self.work,)

    def shape(self, program: Program) -> None:
        """Work, and what is missing, reach the amount."""
        amounts = [Fraction(self.amount.value) * window.part for window in self.work.windows]
        reached = program.total(self.work)
        if self.fee:
            fee = Fraction(self.fee.amount)
            reached += program.slack(self, "missing", most=amounts, price=fee, remedy=True)
        program.require(self, "floor", reached >= amounts)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """The fee."""
        found = []
        for window, ended in self.work.begun(as_of):
            amount, drawn = Fraction(self.amount.value) * window.part, totals.total(self.work, window)
            short = max(amount - drawn, Fraction(0))
            owed = short * Fraction(self.fee.amount) if self.fee else Fraction(0)
            part = "shortfall-fee"
            found.append(
                settled(
                    self.work, window, "floor", part, ended=ended, amount=amount, drawn=drawn, short=short, owed=owed
                )
            )
        return Settlement.of(found)


class BothSums(Term):
    """Two sums of work that nobody limits, each in the unit of what it covers: two meters of one measure."""

    kind: Literal["both-sums"]

    def meters(self) -> tuple[Meter, ...]:
        """Work of tokens, and of hours."""
        every = self.calendar(Every())
        return tuple(Meter(self.id, name, self.covered.at(workload=name), "work", every) for name in ("chat", "runs"))

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What they came to."""
        return Settlement.of(
            settled(meter, window, "sum", None, ended=ended, amount=None, drawn=totals.total(meter, window))
            for meter in self.meters()
            for window, ended in meter.begun(as_of)
        )


class Lots(Term):
    """So much work a lot is cheaper by 1 USD a unit; a lot costs something, and somebody decides how many there are."""

    kind: Literal["lots"]
    size: Work
    price: Cash

    @property
    def work(self) -> Meter:
        """All the work."""
        return Meter(self.id, "work", self.covered, "work", self.calendar(Every()))

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return (self.work,)

    def shape(self, program: Program) -> None:
        """What is cheaper is within the lots and within the work."""
        lots = program.decide(self, "lots", most=[Fraction(10)], price=Fraction(self.price.amount), whole="up")
        work = program.total(self.work)
        cheaper = program.slack(self, "cheaper", most=program.most(work), price=Fraction(-1))
        program.require(self, "within lots", cheaper - lots * Fraction(self.size.value) <= [Fraction(0)])
        program.require(self, "within work", cheaper - work <= [Fraction(0)])

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What the lots cost, less what they save."""
        lots = decisions.of(self.id, self.validity.start, "lots")
        found = []
        for window, ended in self.work.begun(as_of):
            size, drawn = lots * Fraction(self.size.value), totals.total(self.work, window)
            owed = lots * Fraction(self.price.amount) - min(size, drawn)
            part = "credit"
            found.append(settled(self.work, window, "cap", part, ended=ended, amount=size, drawn=drawn, owed=owed))
        return Settlement.of(found)


class Blocks(Term):
    """Blocks of spend that are bought for each month, at a price: whole numbers, decided window by window."""

    kind: Literal["blocks"]
    block: Cash
    price: Cash
    theirs = True
    effect = "grants"

    @property
    def spend(self) -> Meter:
        """Spend in each month."""
        return Meter(self.id, "spend", self.covered, "spend", self.calendar(Every(every="month")))

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return (self.spend,)

    def shape(self, program: Program) -> None:
        """What is given is within the blocks and within the spend."""
        windows = tuple(self.spend.windows)
        most, zero = [Fraction(9)] * len(windows), [Fraction(0)] * len(windows)
        price, block = Fraction(self.price.amount), Fraction(self.block.amount)
        blocks = program.decide(self, "blocks", most=most, windows=windows, price=price, whole="down")
        given = program.slack(self, "given", most=[9 * block] * len(windows), price=Fraction(-1))
        program.require(self, "within blocks", given - blocks * block <= zero)
        program.require(self, "within spend", given - program.total(self.spend) <= zero)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What the blocks cost, less what they pay for."""
        found = []
        for window, ended in self.spend.begun(as_of):
            count = decisions.of(self.id, self.validity.start, "blocks", window)
            size, drawn = count * Fraction(self.block.amount), totals.total(self.spend, window)
            owed = count * Fraction(self.price.amount) - min(size, drawn)
            found.append(settled(self.spend, window, "cap", "credit", ended=ended, amount=size, drawn=drawn, owed=owed))
        return Settlement.of(found)


class Rebate(Term, PriceChange):
    """A part of the list price is taken off, under a name of its own."""

    kind: Literal["rebate"]
    part: Portion
    theirs = True
    effect = "grants"

    @property
    def given(self) -> Meter:
        """What it took off."""
        return Meter(self.id, "given", self.covered, "off", self.calendar(Every()))

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return (self.given,)

    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction | None:
        """Its part, of what it covers."""
        covered = self.covered.covers(demand, offer)
        return None if covered is None else Fraction(self.part) * covered

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What it took off."""
        return Settlement.of(
            settled(self.given, window, "discount", "rebate", ended=ended, amount=None, drawn=off, owed=-off)
            for window, ended in self.given.begun(as_of)
            for off in (totals.total(self.given, window),)
        )


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kinds are there for as long as a test runs."""
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    for kind in (TokenFloor, BothSums, Lots, Blocks, Rebate):
        terms.add(kind)


FLOOR: Data = {"id": "floor", "kind": "token-floor", "amount": "400 Mtok"}


def test_an_amount_of_tokens_is_planned_and_priced_in_tokens() -> None:
    # 400 of 1000 Mtok a month at North for 3 instead of 2; a fee of 5 is worth avoiding
    found = solved(two_clouds(FLOOR | {"fee": "5 USD per Mtok"}))
    assert found.cost == D(12_000 + 6 * 400)
    (row,) = found.clauses
    assert {(m.price, m.unit) for m in row.marginal} == {(D(1), "USD per Mtok")}
    assert [(s.amount, s.drawn, s.unit, s.owed) for s in found.standings] == [(D(400), D(400), "Mtok", 0)] * 6


def test_an_amount_of_a_kind_of_one_s_own_is_no_cap_and_its_switches_are_those_that_it_has() -> None:
    case = two_clouds(FLOOR | {"fee": "5 USD per Mtok"})
    found = solved(case)
    own = replace(found, standings=tuple(replace(s, role="token-floor") for s in found.standings))
    said = explain(case, own, "floor")
    assert not [line for line in said.lines if "its cap" in str(line)]
    assert isinstance(said, ClauseExplanation)
    told = {switch.name: str(switch) for switch in said.switches}
    assert "counts" not in told
    assert told["measure"] == "measure: work, in the workloads' own units (fixed)"
    assert told["moment"] == "moment: when it is used (fixed)"


def test_a_fee_for_tokens_is_money() -> None:
    # to move costs 1 USD per Mtok, to miss half of that: 6 x 400 x 0.50 are owed
    found = solved(two_clouds(FLOOR | {"fee": "0.50 USD per Mtok"}))
    assert found.cost == D(12_000 + 1_200)
    assert [(p.part, p.amount) for p in found.postings] == [("shortfall-fee", D(200))] * 6
    screen = io.StringIO()
    plan_view(found, Console(file=screen, width=100))
    assert re.search(r"floor +Jan 2026 +400 Mtok +0\.00 +short 400\.00", screen.getvalue())
    assert "Mtok drawn of 2.40 k Mtok required in 6 windows" in Page(render([found])).text
    (said, *_) = answer.commitments(found)
    assert said.startswith("The North commitment `floor` is 2.40 k Mtok short in Jan 2026 – Jun 2026")
    assert "1.20 k USD" in said


def test_in_a_conflict_it_gives_tokens() -> None:
    found = refused(two_clouds(FLOOR | {"amount": "1100 Mtok"}))
    (way,) = found.relaxations
    assert (way.given[0].amount.quantize(D("0.001")), way.given[0].unit) == (D(600), "Mtok")
    assert way.sentence.startswith("let 600.00 Mtok pass outside this clause (Jan 2026: 100.00 Mtok; Feb 2026")


def test_an_amount_in_another_unit_than_the_work_is_a_mistake_at_its_place(tmp_path: Path) -> None:
    case = data_of([tokens("north", 3)], [work()], agreement(FLOOR | {"amount": "400 GPU-hour"}))
    (tmp_path / "case.yaml").write_text(yaml.safe_dump(case, sort_keys=False))
    with pytest.raises(CaseError) as caught:
        Case.load(tmp_path)
    (mistake,) = caught.value.mistakes
    line = 1 + next(i for i, text in enumerate((tmp_path / "case.yaml").read_text().split("\n")) if "400" in text)
    assert str(mistake.where).endswith(f"/case.yaml:{line}:13")
    assert mistake.what == "is in GPU-hour, and `floor` counts Mtok (`chat`)"
    assert mistake.remedy == "write it in that unit"


def test_a_price_per_another_unit_than_the_work_is_a_mistake_at_its_place() -> None:
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], agreement(FLOOR | {"fee": "1 USD per GPU-hour"})))
    assert only == "is per GPU-hour, and `floor` counts Mtok (`chat`); write it per that unit"


def test_work_in_two_units_has_no_floor() -> None:
    offers, jobs = [tokens("north", 3), gpus("north", 2)], [work(), compute()]
    with pytest.raises(CaseError, match=r"`floor` counts work in different units: GPU-hour \(`research`\) and Mtok"):
        build(offers, jobs, agreement(FLOOR))
    narrowed = solved(build(offers, jobs, agreement(FLOOR | {"of": {"workload": "chat"}})))
    assert {s.unit for s in narrowed.standings} == {"Mtok"}


def test_each_standing_is_in_the_unit_of_its_meter() -> None:
    offers, jobs = [tokens("north", 3), gpus("north", 2)], [work(), compute("runs", "10 GPU")]
    found = solved(build(offers, jobs, agreement({"id": "sums", "kind": "both-sums"}), months=1))
    assert [(s.meter, s.drawn, s.unit, s.role) for s in found.standings] == [
        ("chat", D(1000), "Mtok", "sum"),
        ("runs", D(7440), "GPU-hour", "sum"),
    ]


def test_it_settles_a_stream() -> None:
    case = two_clouds(FLOOR | {"fee": "0.50 USD per Mtok"})
    lines = rated(case, [use(case, "chat", "north-api", "2026-01-05", "2026-01-05", 150, 450)])
    found = settled_of(case.signed, lines, day("2026-02-10"))
    assert [(p.window, p.amount) for p in found.postings] == [(0, D(125))]
    assert [(s.ended, s.short, s.accruing) for s in found.standings] == [(True, 250, 0), (False, 400, 200)]


@pytest.mark.parametrize(
    ("price", "count", "cost"),
    [
        # 6000 Mtok at 2 USD; 2.4 lots of 2500 would do: 3 save 6000, 2 save 5000
        ("900 USD", 3, 12_000 + 3 * 900 - 6_000),
        ("1100 USD", 2, 12_000 + 2 * 1_100 - 5_000),
        ("2600 USD", 0, 12_000),
    ],
)
def test_a_whole_number_is_decided_and_billed(price: str, count: int, cost: int) -> None:
    found = solved(two_clouds({"id": "lots", "kind": "lots", "size": "2500 Mtok", "price": price}))
    assert found.cost == D(cost)
    (stands,) = found.standings
    assert stands.amount == 2500 * count


def test_what_nobody_decided_is_not_zero() -> None:
    case = two_clouds({"id": "lots", "kind": "lots", "size": "2500 Mtok", "price": "900 USD"})
    with pytest.raises(SettleError, match="`lots` is settled by its `lots`, which nobody has decided; state it"):
        settled_of(case.signed, [])
    (term,) = case.signed
    totals = Totals(term.meters())
    found = term.settle(totals, Decisions({("lots", term.validity.start, "lots", None): Fraction(2)}), None)
    assert [p.amount for p in found.postings] == [D(1800)]
    assert NOTHING_DECIDED.values == {}


REBATE: Data = {"id": "rebate", "kind": "rebate", "part": "25%"}


def test_a_price_of_ones_own_is_billed_once_and_saved() -> None:
    # 6 months of 1000 Mtok at South for 2, of which the rebate's agreement takes a quarter off
    case = two_clouds(REBATE, party="south")
    found = solved(case)
    assert found.cost == D(12_000) * D("0.75")
    assert [(p.part, p.amount, p.in_spend) for p in found.postings] == [("rebate", D(-3_000), True)]
    assert Plan.from_json(found.to_json()) == found


def test_prices_of_several_kinds_are_held_to_all_of_the_price_together() -> None:
    discount = {"id": "off", "kind": "discount", "off": "60%"}
    with pytest.raises(CaseError, match="`off` and `rebate` together give more than 100% of what `south-api` costs"):
        two_clouds(REBATE | {"part": "60%"}, discount, party="south", combine="sum")
    assert solved(two_clouds(REBATE | {"part": "40%"}, discount, party="south", combine="sum")).cost == 0


def test_what_was_decided_for_a_window_is_settled_there_whatever_part_of_the_contract_a_plan_saw() -> None:
    # three months of 3000, 1500 and 900 USD, within a contract that began two months before
    rates = {"2026-01": "1000 Mtok per month", "2026-02": "500 Mtok per month", "2026-03": "300 Mtok per month"}
    deal = agreement({"id": "blocks", "kind": "blocks", "block": "700 USD", "price": "500 USD"})
    case = build([tokens("north", 3)], [work(demand={"rate": rates})], deal | {"effective": "2025-11-01"}, months=3)
    study = Study.of(case)
    found = study.solve(EXACT)
    assert isinstance(found, Incumbent)
    bill, _ = study.bill(found)
    # 4 x 700 of 3000, 2 x 700 of 1500, 1 x 700 of 900; each block saves 200
    assert bill.total == 3000 + 1500 + 900 - 200 * (4 + 2 + 1)
    (term,) = case.signed
    totals = Totals(term.meters())
    for line in replayed(case, study.plan(found, EXACT)):
        totals.add(line)
    with pytest.raises(SettleError, match=r"`blocks` is settled by its `blocks` in Nov 2025, which nobody has decided"):
        term.settle(totals, bill.quantities.decided, None)
    before: dict[Decided, Fraction] = {("blocks", term.validity.start, "blocks", n): Fraction(0) for n in (0, 1)}
    settlement = term.settle(totals, Decisions({**bill.quantities.decided.values, **before}), None)
    assert [(p.window, p.amount) for p in settlement.postings] == [(2, -800), (3, -400), (4, -200)]
