"""Kinds of clause of one's own that ask what remains: each measure of use is kept live, or the case is not served."""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from detente import terms
from detente.case.agenda import agenda
from detente.case.case import Case
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.reach.window import Every
from detente.contract.roles import CallLimit, PriceChange
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settled.standing import Standing
from detente.contract.term import Term
from detente.errors import CaseError
from detente.gateway.deciding.admit import admit
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.source import PolicySource
from detente.gateway.serving.caps.leaseholder import Leaseholder
from detente.ledger.caps.cap import BookedCall
from detente.ledger.caps.clause_caps import CapCounts, covering, of_terms
from detente.ledger.caps.leasing import CapAnswer
from detente.ledger.journals.record import TokenCounts
from detente.live.request import Request
from detente.values.facts import Facts
from detente.values.micros import micros
from detente.values.quantity import NOTHING, Exact
from tests.builders import D, Data, agreement, data_of, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.caps.test_clause_caps import AT, tariff

MTOK = 10**6
USED = TokenCounts(2 * MTOK, MTOK)
"""3 Mtok: 9 USD at the list price of 3, and 8.1 after a discount of a tenth; they earn 4 USD each."""
TAKES = {"spend": "8.1", "listed": "9", "work": "3", "taken": "3", "revenue": "12", "off": "0.9"}


class Ceiling(Term, CallLimit):
    """No more of a measure than so much in each month."""

    measure: Measure | None
    most: int | None = 100
    at: int | None = None
    each: int | None = None
    brought: int = 0
    keeps: bool = False
    shrinks: bool = False
    windows: Every = Every(every="month")

    def meters(self) -> tuple[Meter, ...]:
        """The measure."""
        if self.measure is None:
            return ()
        return (Meter(self.id, "counted", self.covered, self.measure, self.calendar(self.windows)),)

    def permits(self, standing: Standing, need: Exact = NOTHING) -> Verdict:
        """Deny from an amount on: that of its standing, or another."""
        small = self.each is None or need <= self.each
        if small and standing.drawn + max(need, D("1e-9")) <= (self.at or standing.required - standing.brought):
            return PERMIT
        return Verdict("deny", Reason(self.id, f"used up: {standing.role} of {standing.required}"))

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is drawn."""
        found, brought, before = [], Fraction(self.brought), Fraction(0)
        for meter in self.meters():
            for window, ended in meter.begun(as_of):
                most, drawn = None if self.most is None else Fraction(self.most), totals.total(meter, window)
                if most and self.shrinks:
                    most, before = max(most - before, Fraction(0)), drawn
                left = max((most or 0) - brought - drawn, Fraction(0)) if self.keeps else Fraction(0)
                found.append(
                    settled(meter, window, "ceiling", None, ended=ended, amount=most, drawn=drawn, brought=brought)
                )
                brought -= left
        return Settlement.of(found)


class OwnCap(Ceiling):
    """Of a measure that others fill."""

    kind: Literal["own-cap"]


class OwnOff(Ceiling, PriceChange):
    """A tenth off, until so much was taken off."""

    kind: Literal["own-off"]

    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction:
        """A tenth."""
        return Fraction(1, 10)


@pytest.fixture(autouse=True)
def _own_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(OwnCap)
    terms.add(OwnOff)


def data(**stated: Any) -> Data:
    off = stated.get("measure") == "off"
    own = {"id": "own", "kind": "own-off" if off else "own-cap", **stated}
    tenth = {"id": "tenth", "kind": "discount", "off": "0%" if off else "10%"}
    live = [deployment("north-live", "north-api", "http://localhost:9")]
    earning = work(revenue="4 USD per Mtok")
    deals = agreement(own, party="self"), agreement(tenth, id="deal")
    return data_of([tokens("north", 3)], [earning], *deals, deployments=live)


@pytest.mark.parametrize("measure", TAKES)
def test_what_a_call_takes_of_each_measure_live_is_what_it_comes_to_on_the_books(measure: str) -> None:
    case = Case.of(data(measure=measure))
    (cap,), here = of_terms(case.signed), tariff(case)
    (taker,) = covering([cap], here.of.demand or {}, here, here.of.offer, AT)
    assert taker.takes(USED) == D(TAKES[measure]) * 10**9
    lines = tuple(here.lines(micros(AT), USED, 0))
    counted = CapCounts(case).of([BookedCall("req_aa00000001", lines)], {"aa"})
    assert counted == {(taker.allows.key, "aa"): taker.takes(USED)}


@pytest.mark.parametrize("measure", TAKES)
def test_a_clause_of_any_measure_of_use_denies_a_call_for_which_too_little_is_left(measure: str) -> None:
    policy = Policy.of(Case.of(data(measure=measure)))
    admission = admit(policy, Request("chat", "inference", (), "m", "chat"), AT)
    holder = Leaseholder(lambda: None, lambda: 0.0)
    (candidate,) = admission.as_of(holder, USED).candidates
    assert candidate.verdict.reason == Reason("own", "used up: ceiling of 100.000000000")
    ((key, claim),) = holder.claims(0.0, AT).items()
    assert claim.limit == 100 * 10**9
    holder.answered({key: CapAnswer(claim.limit, 0)}, AT)
    (candidate,) = admission.as_of(holder, USED).candidates
    assert candidate.permitted


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"measure": "paid"}, "it counts what credits pay, which is settled after the calls"),
        ({"measure": None}, "it counts nothing"),
        ({"measure": "work", "keeps": True}, "what it allows in a window turns on what was used before"),
        ({"measure": "work", "shrinks": True}, "what it allows in a window turns on what was used before"),
        ({"measure": "work", "at": 110}, "it refuses at another amount than its standing states"),
        ({"measure": "work", "at": 90}, "it refuses at another amount than its standing states"),
        ({"measure": "work", "each": 5}, "it refuses at another amount than its standing states"),
        ({"measure": "work", "most": None, "at": 10**16, "each": 5}, "it refuses at another amount"),
        ({"measure": "work", "most": None, "at": 90}, "it refuses at another amount than its standing states"),
    ],
)
def test_a_case_is_not_served_where_a_clause_could_not_be_asked(stated: Data, why: str, tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(yaml.safe_dump(data(**stated), sort_keys=False))
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "id: own" in text)
    with pytest.raises(CaseError) as raised:
        PolicySource(file, leasing=True).read()
    assert PolicySource(file).read().caps is not None, "a replay settles what it has seen"
    (mistake,) = raised.value.mistakes
    assert mistake.what.startswith(f"`own` cannot be asked while calls are served: {why}")
    assert (mistake.where.line, bool(mistake.remedy)) == (line, True)


@pytest.mark.parametrize(("brought", "left"), [(30, 70), (0, 100), (-20, 120)])
def test_what_is_brought_into_a_window_is_not_there_to_be_used(brought: int, left: int) -> None:
    (cap,) = of_terms(Case.of(data(measure="work", brought=brought)).signed)
    allowed = cap.at(AT)
    assert (allowed and allowed.limit, cap.unkept) == (left * 10**9, "")


@pytest.mark.parametrize(("shrinks", "told"), [(False, "of 100.00 Mtok"), (True, "of at most 100.00 Mtok")])
def test_an_amount_that_turns_on_earlier_use_is_told_as_the_most_that_it_may_be(shrinks: bool, told: str) -> None:
    case = Case.of(data(measure="work", shrinks=shrinks, windows={"every": "quarter"}))
    lines = agenda(case, date(2026, 1, 1), date(2026, 8, 1))
    assert [line.what.split(", ")[-1] for line in lines if line.role == "window"] == ["of 100.00 Mtok", told]


def test_a_limit_that_answers_with_no_verdict_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (cap,) = of_terms(Case.of(data(measure="work")).signed)
    monkeypatch.setattr(OwnCap, "permits", lambda *given: True)
    with pytest.raises(TypeError, match=re.escape("`own` (`OwnCap`): `permits` returns bool; return `PERMIT`, or")):
        assert cap.unkept


def test_a_case_is_served_where_each_can_be_asked(tmp_path: Path) -> None:
    file = tmp_path / "case.yaml"
    for stated in ({"measure": "revenue"}, {"measure": "work", "at": 100}, {"measure": "off", "most": 0}):
        file.write_text(yaml.safe_dump(data(**stated), sort_keys=False))
        assert PolicySource(file, leasing=True).read().caps
