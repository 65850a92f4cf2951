"""What was counted of a window before an amendment took it over whole: what is owed of it stays what it was.

Owns: the earlier texts of a clause, and what each of a charge counted of the window until it was replaced. Not here:
what becomes of the window's amount (``reach.handover``), and what a charge is (``capped_charge``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol, TypeVar

from detente.contract.case_view import ClauseView
from detente.contract.metered.meter import Meter
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Calendar


class ChargeText(ClauseView, Protocol):
    """One text of a charge, in force."""

    @property
    def counted(self) -> Meter:
        """What it counts, in each window."""

    @property
    def each(self) -> Fraction:
        """What is owed for a unit of it."""


@dataclass(frozen=True, slots=True)
class RatedMeter:
    """What a text counted in a part of a window, and what is owed for a unit of it."""

    meter: Meter
    each: Fraction


AnyText = TypeVar("AnyText", bound=ClauseView)


def taken_over(own: AnyText, texts: Sequence[AnyText]) -> Iterator[AnyText]:
    """The earlier texts in whose time a window began that this one takes over whole, the latest first."""
    begun = own.validity.begun
    if begun is None or begun.how != "whole-window" or begun.running is None:
        return
    at = own.validity.start
    while at > begun.running.start:
        earlier = next((text for text in texts if text.validity.end == at), None)
        if earlier is None:
            return
        yield earlier
        at = earlier.validity.start


def at_own_rates(own: ChargeText, texts: Sequence[ChargeText]) -> tuple[RatedMeter, ...]:
    """What its first window comes to, text by text, its own first; none where all of them charge for the same alike.

    None either where a later text takes that window over from it.
    """
    earlier = list(taken_over(own, texts))
    if all(_terms(text) == _terms(own) for text in earlier):
        return ()
    assert own.validity.begun is not None
    assert own.validity.begun.running is not None
    since, counted = own.validity.begun.running.start, own.counted
    if not any(replace(counted.windows, sight=None).over(since, since)):
        return ()
    from_then_on = replace(
        counted, name=f"{counted.name} of this text", windows=replace(counted.windows, since=own.validity.start)
    )
    found = [RatedMeter(from_then_on, own.each)]
    for text in earlier:
        start, end = max(text.validity.start, since), text.validity.end
        until = Calendar("term", start, start, end, sight=counted.windows.sight)
        before = replace(text.counted, name=f"{counted.name} before {end:%Y-%m-%d}", windows=until, money=counted.money)
        found.append(RatedMeter(before, text.each))
    return tuple(found)


def _terms(text: ChargeText) -> tuple[Fraction, Selection, str]:
    return text.each, text.covered, text.counted.measure
