"""Share: a provider gets at least, or at most, a share of a class of work or of spend.

At least: a preferred provider. At most: a limit on concentration. See ``docs/terms/share.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from detente.contract.amounts.counting import LISTED, repriced
from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.scope import Scope, Selection
from detente.contract.reach.verdict import PERMIT, Reason, Verdict
from detente.contract.reach.window import Every
from detente.contract.roles import AsksPart, Hedge, OwnRule
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.stated import Divided
from detente.contract.term import Term
from detente.errors import Flaw, FlawError
from detente.values import quantity_field
from detente.values.facts import Facts
from detente.values.quantity import in_percent, percent_above, percent_below


class Share(Term, AsksPart, Hedge, OwnRule):
    """Of what is covered, the part that is also ``on`` makes up at least, or at most, a share in each window."""

    kind: Literal["share"]
    on: Scope = Field(default=Scope(), description="whose share; default: the other party's")
    at_least: quantity_field.Portion | None = None
    at_most: quantity_field.Portion | None = None
    measure: Literal["work", "spend", "list", "taken"] = Field(
        default="work",
        description="work in the workloads' unit, spend after discounts or at list prices, or what is taken of offers",
    )
    windows: Every = Every(every="month", cut="prorate")
    fixed: ClassVar[Mapping[str, str]] = {
        "moment": "whose share it is shows in what runs where",
        "counts": "`of`, `except` and `on` say what the whole and the part are",
    }
    effect = "restrains"

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise FlawError("says neither `at-least` nor `at-most`", "add one of them")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            least, most = map(in_percent, (self.at_least, self.at_most))
            raise FlawError(
                f"at least {least} is more than at most {most}", "lower `at-least`, or raise `at-most`", ("at-least",)
            )
        return self

    @property
    def part(self) -> Selection:
        """The part whose share it is."""
        on = self.on if self.on.wanted else Scope({"provider": (self.validity.counterparty,)})
        return Selection((*self.covered.within, on), self.except_)

    @property
    def hedges(self) -> bool:
        """A limit on concentration, where it is our own."""
        return self.at_most is not None and self.validity.counterparty == SELF

    def judge(self, demand: Facts, offer: Facts) -> Verdict:
        """Prefer the provider that is owed a share."""
        if self.at_least and self.part.covers(demand, offer):
            return Verdict("prefer", self.explain())
        return PERMIT

    def meters(self) -> tuple[Meter, ...]:
        """The part and the whole, in each window."""
        calendar = self.calendar(self.windows)
        measure: Measure = "listed" if self.measure == "list" else self.measure
        part = self.meter("part", measure, calendar, self.part)
        return part, self.meter("whole", measure, calendar)

    @property
    def portion_of(self) -> Meter:
        """What the share is of."""
        return self.meters()[1]

    def shape(self, program: Program) -> None:
        """The part against the share of the whole."""
        of_part, of_whole = self.meters()
        nothing = [Fraction(0) for _ in of_part.windows]
        if not nothing:
            return
        part, whole = program.total(of_part), program.total(of_whole)
        if self.at_least is not None:
            program.require(self, "at-least", part - whole * Fraction(self.at_least) >= nothing)
        if self.at_most is not None:
            program.require(self, "at-most", part - whole * Fraction(self.at_most) <= nothing)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What the part is of the share of the whole: nothing is owed."""
        return Settlement.of(self._stand(totals, as_of))

    def _stand(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        of_part, of_whole = self.meters()
        for window, ended in of_part.begun(as_of):
            part, whole = totals.total(of_part, window), totals.total(of_whole, window)
            for role, share in (("at-least", self.at_least), ("at-most", self.at_most)):
                if share is not None:
                    amount = whole * Fraction(share)
                    short = max(amount - part, Fraction(0)) if role == "at-least" else Fraction(0)
                    yield settled(of_part, window, role, None, ended=ended, amount=amount, drawn=part, short=short)

    def explain(self) -> Reason:
        """What the clause does."""
        bounds = []
        if self.at_least is not None:
            bounds.append(f"at least {in_percent(self.at_least)}")
        if self.at_most is not None:
            bounds.append(f"at most {in_percent(self.at_most)}")
        on = self.on if self.on.wanted else f"provider: {self.validity.counterparty}"
        what = "" if self.covered.within == (Scope(),) and not self.except_ else f" of {self.covered}"
        measure = "spend at list prices" if self.measure == "list" else self.measure
        return Reason(self.id, f"{' and '.join(bounds)} of {measure}{what} goes to {on}")

    @property
    def divides(self) -> Divided:
        """A share goes by the time itself."""
        return "time"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A policy that names nobody; spend on use that is charged for otherwise."""
        if not self.on.wanted and self.validity.counterparty == SELF:
            yield Flaw("a policy names whose share it is", "add `on: { provider: … }`", ("kind",))
        if self.measure == "spend":
            yield from repriced(self, None, case, "measure", LISTED)

    def concede_part(self, part: str, portion: Fraction) -> str:
        """In the contract's words."""
        asked = self.at_least if part == "at-least" else self.at_most
        assert asked is not None
        if part == "at-least":
            return f"lower the share from {in_percent(asked)} to {percent_below(Fraction(asked) - portion)}"
        return f"raise the share from {in_percent(asked)} to {percent_above(Fraction(asked) + portion)}"
