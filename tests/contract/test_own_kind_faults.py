"""What the author of a kind of clause is told of it: which kind, which clause, and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Any, ClassVar, Literal

import pytest

from detente import terms
from detente.case.agenda import agenda
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.verdict import PERMIT, Permission, Reason, Verdict
from detente.contract.reach.window import Every
from detente.contract.roles import PriceChange
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.settling import settle_each
from detente.contract.term import Term
from detente.errors import BillError
from detente.values.facts import Facts
from detente.values.money import Cash
from tests.builders import agreement, build, day, solved, tokens, work


class Fee(Term):
    """So much for each month: ``parts`` says which of its questions its author forgot."""

    kind: Literal["fee"]
    amount: Cash
    forgotten: ClassVar[str] = ""
    theirs = True

    @property
    def spend(self) -> Meter:
        """What is spent in each month."""
        return self.meter("spend", "spend", self.calendar(Every(every="month")))

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return () if self.forgotten == "meters" else (self.spend,)

    def shape(self, program: Program) -> None:
        """The fee, and no less, whatever is spent."""
        if self.forgotten != "shape":
            each = [Fraction(self.amount.amount) for _ in self.spend.windows]
            fee = program.slack(self, "fee", most=each, price=Fraction(1), windows=list(self.spend.windows))
            program.require(self, "fee", fee + program.total(self.spend) * Fraction(0) >= each)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """The fee, and what was spent."""
        of, fee = self.spend, Fraction(self.amount.amount)
        return Settlement.of(
            settled(of, window, "fee", "fee", ended=ended, amount=None, drawn=totals.total(of, window), owed=fee)
            for window, ended in of.begun(as_of)
        )


class Judge(Term):
    """It says the same of everything."""

    kind: Literal["judge"]
    said: ClassVar[Verdict] = PERMIT

    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """The same."""
        return self.said


class Off(Term, PriceChange):
    """A tenth off."""

    kind: Literal["off"]
    theirs = True

    def takes_off(self, demand: Facts | None, offer: Facts) -> Fraction:
        """A tenth."""
        return Fraction(1, 10)


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kinds are there for as long as a test runs."""
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(Fee)
    terms.add(Judge)
    terms.add(Off)


def plan_of(*clauses: dict[str, Any]) -> Any:
    """1000 Mtok a month for 3 USD each, through two months."""
    return solved(build([tokens("north", 3)], [work()], agreement(*clauses), months=2))


FEE = {"id": "monthly", "kind": "fee", "amount": "10 USD"}


def test_a_kind_that_forgets_nothing_is_planned() -> None:
    assert plan_of(FEE).cost == 2 * (3000 + 10)


def test_what_settles_and_is_not_shaped_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fee, "forgotten", "shape")
    with pytest.raises(BillError) as caught:
        plan_of(FEE)
    assert str(caught.value).endswith(
        ": `monthly` (`kind: fee`) comes to 20.00 USD by its `settle`, and to 0.00 USD by its `shape`, which must add "
        "to a plan's cost what `settle` owes"
    )


def test_a_meter_that_is_read_and_not_stated_is_named_in_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fee, "forgotten", "meters")
    with pytest.raises(ValueError, match="`monthly` reads its meter `spend`, which its `meters\\(\\)` does not return"):
        plan_of(FEE)


def test_a_measure_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    measure: Any = "units"
    monkeypatch.setattr(Fee, "meters", lambda clause: (clause.meter("used", measure, clause.spend.windows),))
    what = "`monthly` counts `units` in its meter `used`, and there is no such measure; write one of `work`, `spend`"
    with pytest.raises(ValueError, match=re.escape(what)):
        plan_of(FEE)


def test_a_meter_that_is_read_and_not_stated_is_named_in_a_bill() -> None:
    case = build([tokens("north", 3)], [work()], agreement(FEE))
    (term,) = case.signed
    with pytest.raises(ValueError, match="`monthly` reads its meter `spend`"):
        term.settle(Totals(()), Decisions({}), None)


@pytest.mark.parametrize("said", ["deny", "undecided"])
def test_a_verdict_without_a_reason_is_refused(said: Permission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, "said", Verdict(said))
    remedy = f'write `Verdict("{said}", Reason(self.id, "why, in one sentence"))`'
    with pytest.raises(ValueError, match=re.escape(f"`silent` (`Judge`) says `{said}` without a reason; {remedy}")):
        plan_of({"id": "silent", "kind": "judge"})


_NO: Any = "no"


def _spend(clause: Term) -> Meter:
    return clause.meter("spend", "spend", clause.calendar(Every(every="month")))


@pytest.mark.parametrize(
    ("question", "answer", "told"),
    [
        ("meters", _spend, "`meters` returns Meter; return a tuple of `Meter`"),
        ("explain", lambda clause: "a fee", "`explain` returns str; return `Reason(self.id, "),
        ("settle", lambda clause, *given: None, "`settle` returns NoneType; return a `Settlement`"),
        ("settle", lambda clause, *given: [Settlement()], "`settle` returns list; return a `Settlement`"),
        ("judge", lambda clause, *given: False, "`judge` returns bool; return `PERMIT`, or a `Verdict`"),
        ("check", lambda clause, case: None, "`check` returns NoneType; return each `Flaw`"),
        ("check", lambda clause, case: ["bad"], "`check` returns str; return each `Flaw`"),
        ("references", lambda clause: ("north",), "`references` returns str; return a tuple of `Reference`"),
        ("knowing", lambda clause, *given: None, "`knowing` returns NoneType; return the clause"),
        (
            "knowing",
            lambda clause, *given: clause.model_copy(update={"id": "new"}),
            "`knowing` returns Judge; return the",
        ),
        ("turns", lambda clause, *given: [day("2026-02-01").date()], "`turns` returns date; return each moment"),
        ("turns", lambda clause, *given: [datetime(2026, 2, 1)], "`turns` returns datetime without a zone; return"),
        ("judge", lambda clause, *given: Verdict(_NO, Reason("odd", "no")), "`judge` returns Verdict; return `PERMIT`"),
        ("acting_days", lambda clause: None, "`acting_days` returns NoneType; return each day with its place: `(("),
        ("acting_days", lambda clause: [day("2026-02-01").date()], "`acting_days` returns date; return each day with"),
        ("scopes", lambda clause: (clause.of,), "`scopes` returns Scope; return each `Scope` with its place: `(("),
        ("stated_windows", lambda clause: None, "`stated_windows` returns NoneType; return each `StatedWindows`"),
        ("overlooked", lambda clause, horizon: ["bad"], "`overlooked` returns str; return each `Flaw`"),
        ("overlooked", lambda clause, horizon: None, "`overlooked` returns NoneType; return each `Flaw`"),
        ("depends_on", property(lambda clause: None), "`depends_on` returns NoneType; return a `frozenset`"),
        ("counted_time", property(lambda clause: None), "`counted_time` returns NoneType; return a `CountedTime`"),
    ],
)
def test_what_is_answered_with_something_else_is_named(
    question: str, answer: Callable[..., Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Judge, question, answer)
    with pytest.raises(TypeError, match=re.escape(f"`odd` (`Judge`): {told}")):
        plan_of({"id": "odd", "kind": "judge"})


@pytest.mark.parametrize("answer", ["2026-01-01", ["2026-01-01"], None])
def test_days_that_are_no_reminders_are_named(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fee, "reminds", lambda *given: answer)
    case = build([tokens("north", 3)], [work()], agreement(FEE), months=2)
    told = f"`monthly` (`Fee`): `reminds` returns {type(answer).__name__}; return each `Reminder`"
    told = told.replace("returns list", "returns str")
    with pytest.raises(TypeError, match=re.escape(told)):
        agenda(case, day("2026-01-01").date(), day("2026-03-01").date())


def test_a_part_of_a_price_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Off, "takes_off", lambda *given: 0.1)
    with pytest.raises(TypeError, match=re.escape("`less` (`Off`): `takes_off` returns float; return a `Fraction`")):
        plan_of({"id": "less", "kind": "off"})


def test_what_is_owed_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(clause: Fee, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        owed: Any = 10.0
        window = next(iter(clause.spend.windows))
        return settled(clause.spend, window, "fee", "fee", ended=True, amount=None, drawn=Fraction(0), owed=owed)

    monkeypatch.setattr(Fee, "settle", settle)
    with pytest.raises(TypeError, match="`monthly`: `settle` gives `owed` as float; give a `Fraction`"):
        plan_of(FEE)


@pytest.mark.parametrize("permission", ["deny", "undecided", "prefer"])
@pytest.mark.parametrize("beside", [(), ({"id": "other", "kind": "spending-cap", "amount": "5 k USD"},)])
def test_a_verdict_that_cites_another_clause_is_refused(
    permission: Permission, beside: tuple[dict[str, Any], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``beside``: the other is in force, too."""
    monkeypatch.setattr(Judge, "said", Verdict(permission, Reason("other", "no")))
    told = re.escape("`odd` (`Judge`): `judge` cites `other`; cite the clause itself: `Reason(self.id, …)`")
    with pytest.raises(ValueError, match=told):
        plan_of({"id": "odd", "kind": "judge"}, *beside)
    case = build([tokens("north", 3)], [work()], agreement({"id": "odd", "kind": "judge"}, *beside))
    with pytest.raises(ValueError, match=told):
        case.verdict(case.workloads[0], case.offers[0], day("2026-01-10"))


def test_an_explanation_that_cites_another_clause_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, "explain", lambda clause: Reason("other", "a judge"))
    with pytest.raises(ValueError, match=re.escape("`odd` (`Judge`): `explain` cites `other`; cite the clause itself")):
        plan_of({"id": "odd", "kind": "judge"})


def test_what_is_owed_before_its_window_has_ended_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    case = build([tokens("north", 3)], [work()], agreement(FEE), months=2)
    totals = Totals(case.signed[0].meters())
    (begun,) = settle_each(case.signed, totals, Decisions({}), day("2026-01-15"))
    assert isinstance(begun, Settlement)
    assert (begun.postings, begun.standings[0].accruing) == ((), 10)
    settling = Fee.settle
    monkeypatch.setattr(
        Fee, "settle", lambda clause, totals, decisions, as_of: settling(clause, totals, decisions, None)
    )
    told = "`monthly` (`Fee`): `settle` as of 2026-02-15 owes `fee` of a time that ends on 2026-03-01; go through"
    with pytest.raises(ValueError, match=re.escape(told)):
        settle_each(case.signed, totals, Decisions({}), day("2026-02-15"))


def test_a_row_has_one_amount_for_each_window(monkeypatch: pytest.MonkeyPatch) -> None:
    def shape(clause: Fee, program: Program) -> None:
        program.require(clause, "row", program.total(clause.spend) >= [Fraction(1)])

    monkeypatch.setattr(Fee, "shape", shape)
    with pytest.raises(ValueError, match="has 2 rows, one a window, and what meets it has 1; write one"):
        plan_of(FEE)


def _declared(**annotations: Any) -> type[Term]:
    return type("Own", (Term,), {"__module__": __name__, "__annotations__": annotations, "__doc__": "A kind."})


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (lambda: _declared(kind=Literal["Bad Name"]), "`Own` is called `Bad Name`; write `kind: Literal"),
        (lambda: _declared(kind=Literal["bad_name"]), "`Own` is called `bad_name`; write"),
        (lambda: _declared(kind=Literal[""]), "`Own` is called ``; write"),
        (lambda: _declared(kind=Literal["one", "two"]), "`Own` is called `one` or `two`; write"),
        (lambda: _declared(kind=str), "`Own` does not say what it is called; write"),
        (_declared, "`Own` does not say what it is called; write"),
        (lambda: _declared(kind=Literal["share"]), "there is a kind `share` already; choose another `kind`"),
    ],
)
def test_what_a_kind_may_be_called(kind: Callable[[], Any], what: str) -> None:
    with pytest.raises(ValueError, match=re.escape(what)):
        terms.add(kind())
