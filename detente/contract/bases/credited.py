"""What an earlier text credited of a window that a later one takes over whole: what was credited is credited.

Owns: the mistake where the later text would take some of it back. Not here: handing over (``reach.handover``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Protocol, Self, TypeVar

from detente.contract.bases.taken_over import taken_over
from detente.contract.case_view import ClauseView
from detente.contract.metered.meter import Meter
from detente.contract.own_money import OwnMoney
from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Window
from detente.errors import Flaw


class CreditText(ClauseView, Protocol):
    """One text of a credit, in force."""

    @property
    def rate(self) -> Decimal:
        """The part of that which it pays."""

    @property
    def own_money(self) -> OwnMoney | None:
        """Its currency, where that is not the case's."""

    @property
    def spend(self) -> Meter:
        """What it is given on, in its windows."""

    def most(self, window: Window) -> Fraction | None:
        """The most that is given in a window."""

    def in_force(self, validity: Validity) -> Self:
        """The same in another time."""


AnyCredit = TypeVar("AnyCredit", bound=CreditText)


def taken_back(own: AnyCredit, texts: Sequence[AnyCredit]) -> Iterator[Flaw]:
    """A window, taken over whole, of which the text before may have credited more, or otherwise.

    That one is held against the one before it in turn, so what any of them credited is less than what this one does.
    """
    earlier = next(taken_over(own, texts), None)
    if earlier is None:
        return
    begun = own.validity.begun
    assert begun is not None
    assert begun.running is not None
    otherwise = (earlier.rate, earlier.covered) != (own.rate, own.covered)
    if otherwise or _less(own, earlier, begun.running):
        does = "credits another `rate`, or other use, of it" if otherwise else "may have credited more of it"
        what = f"the window is taken over whole, and the earlier text {does}: what was credited is credited"
        remedy = f"say `removes: [{own.id}]`, and write this text with an `id` of its own and what is left of it"
        yield Flaw(what, f"{remedy}; or say `takes-over: pro-rata` or `new-window`", ("takes-over",))


def _less(own: CreditText, earlier: CreditText, running: Window) -> bool:
    """Whether the earlier text may give more of the window that runs; of two currencies, that is not known.

    Each of the whole window: of what an amendment to this text leaves of it, that takes over from both.
    """
    start, own = own.validity.start, own.in_force(replace(own.validity, ended=None))
    window = next(replace(own.spend.windows, sight=None).over(start, start), None)
    most, before = None if window is None else own.most(window), earlier.most(running)
    if most is None:
        return False
    return before is None or earlier.own_money != own.own_money or most < before
