"""The standing of a clause in one window: what it asks, what is drawn, and what remains.

It counts and moves no money (see ``posting``). Not here: what a clause makes of it (``CallLimit.permits``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from detente.contract.settled.threshold import missing
from detente.values.period import End
from detente.values.quantity import Exact

FLOOR = "floor"
"""The role of what must be drawn at least: the report shows it as a commitment."""
MILESTONE = "milestone"
"""The role of what must be drawn in all by a day: the report says which were missed."""
TAKE = "take"
"""The role of what is to be taken of an offer, and is paid for if it is not."""
CREDIT = "credit"
"""The role of what is given on use until its amount is gone: what is left at a window's end is lost."""
PAID = "paid"
"""The role of what is paid in any case, and used up by what is used: what is not is lost."""
VESTING = "warrant"
"""The role of what is to be bought in all until something vests: nothing is owed where it is not."""
SUPERSEDED = "superseded"
"""The role of a floor's window that an amendment took over: it asks nothing, and what was drawn counts there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A clause in one window.

    Attributes
    ----------
    role
        What its amount means, in the clause's own word (``floor``, ``cap``, ``credit``); the program knows some. The
        clause's kind: what it charges or gives, up to the amount.
    meter
        The name of the meter by which it is counted: a clause may have several.
    unit
        That meter's: ``money``, ``work`` (the workloads' unit), ``taken`` (the offers'), or the clause's own currency;
        in a plan, the unit's name.
    ended
        Whether the window has ended. Until then nothing is owed, and ``accruing`` is what would be if it ended now.
    amount
        What the clause asks or allows, in ``unit``; None where it sets none.
    drawn, reserved
        What counts towards it, and what is promised to calls that have not ended.
    brought, carried
        What came over from the window before, and what goes on to the next.
    short
        What is missing of a floor.
    owed, accruing
        Money: what the window's postings come to.
    of_money
        Whether it counts money, and ``unit`` is a currency.
    """

    term: str
    meter: str
    role: str
    unit: str
    window: int
    start: datetime
    end: End
    ended: bool
    amount: Exact | None
    drawn: Exact
    reserved: Exact = Decimal(0)
    brought: Exact = Decimal(0)
    carried: Exact = Decimal(0)
    short: Exact = Decimal(0)
    owed: Exact = Decimal(0)
    accruing: Exact = Decimal(0)
    of_money: bool = False

    def money_in(self, of_case: str) -> str | None:
        """The currency in which it counts, that of the case or its clause's own; None where it counts no money."""
        if not self.of_money:
            return None
        return of_case if self.unit == "money" else self.unit

    @property
    def remaining(self) -> Decimal | None:
        """What is left of the amount, 0 or less where nothing is; None where there is none."""
        return None if self.amount is None else self.amount - self.brought - self.drawn - self.reserved

    @property
    def required(self) -> Decimal:
        """What a floor asks for; nothing where no amount is set."""
        return Decimal(0) if self.amount is None else self.amount

    @property
    def deferred(self) -> Decimal:
        """What a floor asks for of the next window, as a shortfall of this one."""
        return max(-self.carried, Decimal(0))

    @property
    def missed(self) -> bool:
        """Whether it falls short by more than a rounding."""
        return self.tells(self.short)

    def tells(self, amount: Decimal) -> bool:
        """Whether so much of what it counts is more than a rounding."""
        return missing(amount, of_money=self.of_money)
