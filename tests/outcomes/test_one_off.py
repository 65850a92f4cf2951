"""Amounts that are due once: of any kind of clause that names the one day on which its money is due."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Literal

import pytest

from detente import terms
from detente.contract.decisions import Decisions
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.roles import DatedPayment
from detente.contract.settled.posting import Posting
from detente.contract.settled.settlement import Settlement
from detente.contract.term import Term
from detente.outcomes.choices.measures import one_off
from detente.values.money import Cash, nano
from detente.values.period import later, moment
from detente.values.quantity import Span
from tests.builders import D, agreement, build, day, solved, tokens, work


class SigningFee(Term, DatedPayment):
    """A fee on the first day."""

    kind: Literal["signing-fee"]
    fee: Cash

    @property
    def paid_on(self) -> date:
        """The first day."""
        return self.validity.start.date()

    @property
    def amount_paid(self) -> Fraction:
        """All of it."""
        return Fraction(self.fee.amount)

    def shape(self, program: Program) -> None:
        """All of it."""
        due = Fraction(self.fee.amount)
        program.require(self, "due", program.slack(self, "paid", most=[due], price=Fraction(1)) >= [due])

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """All of it."""
        first = moment(self.paid_on)
        amount = nano(Fraction(self.fee.amount))
        return Settlement((Posting(self.id, "fee", 0, first, later(first, Span(1, "day")), amount),))


def test_every_kind_that_is_due_on_one_day_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(SigningFee)
    fee = {"id": "fee", "kind": "signing-fee", "fee": "7 USD"}
    upfront = {"id": "upfront", "kind": "payment", "amount": "5 USD", "on": "2026-02-10", "to": "the court"}
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD"}
    case = build([tokens("north", 3)], [work()], agreement(fee, upfront, floor), months=2)
    found = solved(case)
    assert found.cost == D(9000 + 12), "two months cost 6,000 USD, and 3,000 are missing of the commitment"
    assert [(each.term, each.to, each.on, each.amount) for each in one_off(found, case)] == [
        ("fee", "north", day("2026-01-01"), D(7)),
        ("upfront", "the court", day("2026-02-10"), D(5)),
    ]
