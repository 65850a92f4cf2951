"""A settlement: what a clause makes of its totals. What is owed, and where it stands, window by window.

Not here: the totals (``totals``), and the rule (``Term.settle``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from detente.contract.metered.meter import Meter
from detente.contract.own_money import OwnMoney
from detente.contract.reach.window import Window
from detente.contract.settled.posting import Posting
from detente.contract.settled.standing import Standing
from detente.values.money import NOTHING, nano
from detente.values.quantity import Exact


@dataclass(frozen=True, slots=True)
class Settlement:
    """Postings (owed, or given back) and standings (what only counts)."""

    postings: tuple[Posting, ...] = ()
    standings: tuple[Standing, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[Settlement]) -> Settlement:
        """Several as one."""
        found = list(parts)
        return cls(
            tuple(p for each in found for p in each.postings), tuple(s for each in found for s in each.standings)
        )

    def converted(self, money: OwnMoney) -> Settlement:
        """What is owed and accrues in a clause's own currency, in the case's: each at the rate of its window's end."""

        def worth(amount: Exact, end: datetime) -> Decimal:
            return nano(Fraction(amount) * money.at_end(end)) if amount else nano(amount)

        return Settlement(
            tuple(replace(p, amount=worth(p.amount, p.end)) for p in self.postings),
            tuple(replace(s, owed=worth(s.owed, s.end), accruing=worth(s.accruing, s.end)) for s in self.standings),
        )


def settled(
    meter: Meter,
    window: Window,
    role: str,
    part: str | None,
    *,
    ended: bool,
    amount: Fraction | None,
    drawn: Fraction,
    owed: Fraction = Fraction(0),
    brought: Fraction = Fraction(0),
    carried: Fraction = Fraction(0),
    short: Fraction = Fraction(0),
) -> Settlement:
    """One window of a clause: its standing, and a posting of ``owed`` once it has ended.

    ``part`` is what the clause calls such a posting; None where it moves no money.
    """
    numbers: dict[str, Any] = {"owed": owed, "drawn": drawn, "amount": amount, "brought": brought}
    numbers |= {"carried": carried, "short": short}
    for name, given in numbers.items():
        if isinstance(given, float):
            what = f"`{meter.term}`: `settle` gives `{name}` as float"
            raise TypeError(f"{what}; give a `Fraction`, which is exact: `Fraction(self.rate)`")
    due = nano(owed)
    standing = Standing(
        meter.term,
        meter.name,
        role,
        meter.unit,
        window.index,
        window.start,
        window.end,
        ended,
        None if amount is None else nano(amount),
        nano(drawn),
        brought=nano(brought),
        carried=nano(carried),
        short=nano(short),
        owed=due if ended else NOTHING,
        accruing=NOTHING if ended else due,
        of_money=meter.of_money,
    )
    if not (ended and due and part is not None):
        return Settlement((), (standing,))
    in_spend = meter.measure == "off"
    posting = Posting(meter.term, part, window.index, window.start, window.end, due, in_spend)
    return Settlement((posting,), (standing,))


def rounded_on(amounts: Iterable[Fraction]) -> Iterator[Fraction]:
    """Amounts in whole nano-units; what rounding leaves of one goes on to the next, so that the sum is rounded once."""
    exact, rounded = Fraction(0), Fraction(0)
    for amount in amounts:
        exact += amount
        yield Fraction(nano(exact)) - rounded
        rounded = Fraction(nano(exact))
