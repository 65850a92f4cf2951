"""Payment: one amount that is due on a day, whatever runs where.

See ``docs/terms/payment.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.case_view import CaseView
from detente.contract.clause_text import SELF
from detente.contract.decisions import Decisions
from detente.contract.metered.totals import Totals
from detente.contract.program import Program
from detente.contract.reach.verdict import Reason
from detente.contract.reminder import Reminder
from detente.contract.roles import DatedPayment, OwnRule
from detente.contract.settled.posting import Posting
from detente.contract.settled.settlement import Settlement
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath
from detente.values.money import Cash, nano, sufficient
from detente.values.noun import Title
from detente.values.period import Day, later
from detente.values.quantity import Span

_OURSELVES = frozenset({"us", "we", "ourselves", "me", "customer", "the customer", "buyer", "the buyer"})
"""What a contract calls us: never somebody whom we pay."""


class Payment(Term, DatedPayment, OwnRule):
    """An amount, once: an upfront payment, damages, the costs of a lawsuit."""

    kind: Literal["payment"]
    amount: Cash
    on: Day = Field(description="the day on which it is due")
    to: Title | None = Field(
        default=None, description="who is paid, where it is not the other party; `self`: the other party pays us"
    )

    idle_at_zero = ("amount",)

    @model_validator(mode="after")
    def _of_nothing(self) -> Self:
        for key, given in (("of", self.of.wanted), ("except", self.except_), ("readings", self.readings)):
            if given:
                raise FlawError(
                    "is due whatever runs where, and speaks of no use", f"leave out `{key}`", (key,), key=True
                )
        return self

    @model_validator(mode="after")
    def _to_somebody(self) -> Self:
        if self.to is not None and self.to.casefold() in _OURSELVES:
            raise FlawError(f"`{self.to}` would be paid by us", "write `self` where the other party pays us", ("to",))
        return self

    @property
    def payee(self) -> str:
        """Who is paid: a court, or the other party; and that which pays us."""
        return super().payee if self.to is None or self._received else self.to

    @property
    def _received(self) -> bool:
        """Whether it is paid to us."""
        return self.to == SELF

    @property
    def paid_on(self) -> date:
        """The day on which it is due."""
        return self.on

    @property
    def amount_paid(self) -> Fraction:
        """All of it, while the clause is in force."""
        return -self.due if self._received else self.due

    @property
    def due(self) -> Fraction:
        """Money that is due while the clause is in force, within the horizon where a plan sees it."""
        day, seen = self.begin(self.on), self._seen
        inside = seen is None or seen.opens <= day < seen.closes
        return Fraction(self.amount.amount) if inside and self.validity.over(day, day) else Fraction(0)

    def shape(self, program: Program) -> None:
        """All of it, once."""
        if self.due:
            paid = program.slack(self, "paid", most=[self.due], price=Fraction(-1 if self._received else 1))
            program.require(self, "due", paid >= [self.due])

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """The amount, from its day on."""
        day = self.begin(self.on)
        if not self.due or (as_of is not None and as_of < day):
            return Settlement()
        end = later(day, Span(1, "day"))
        amount = nano(-self.due if self._received else self.due)
        return Settlement((Posting(self.id, "payment", 0, day, end, amount),))

    def explain(self) -> Reason:
        """What is due, to whom, and when; and where it has ended by then, that nothing is."""
        day = self.begin(self.on)
        over = "" if self.validity.over(day, day) else ", and it has ended by then: nothing is owed"
        return Reason(self.id, f"{self._told} on {self.on}, whatever runs where{over}")

    def acting_days(self) -> Iterator[tuple[KeyPath, date]]:
        """The day on which it is due."""
        yield ("on",), self.on

    def reminds(self, since: datetime, until: datetime) -> Iterator[Reminder]:
        """The day on which it is due, unless it is waived by then."""
        if not self.due:
            return
        yield Reminder(self.on, "payment", self._told, self.validity.counterparty if self._received else SELF)

    @property
    def _told(self) -> str:
        party = f"`{self.validity.counterparty}`"
        whom = f"us from {party}" if self._received else self.to or party
        return f"{self.amount.told} are due to {whom}"

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """Money to ourselves; a day before the clause is in force, or that no plan sees."""
        if self.payee == SELF:
            what = "is agreed with `self`, so that we would pay ourselves"
            yield Flaw(what, "say who is paid (`to: a court`), or agree it with the provider", ("to",))
        day = self.begin(self.on)
        if day < self.validity.start:
            what = f"`{self.id}` is due on {self.on}, before it is in force ({self.validity.start:%Y-%m-%d})"
            yield Flaw(what, "move the day, or `effective`", ("on",))
        elif case.horizon and not case.horizon.opens <= day < case.horizon.closes:
            what = f"`{self.id}` is due on {self.on}, outside the horizon ({case.horizon.start} to {case.horizon.end})"
            yield Flaw(what, "move the day, or leave it out: no plan pays it", ("on",))

    def concede(self, part: str, amount: Fraction, unit: str, currency: str) -> str:
        """In the contract's words."""
        return f"waive {sufficient(amount, currency)} of the payment of {self.on}"
