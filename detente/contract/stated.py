"""What a clause states for the case to check, each with the path of keys that leads to it in the clause.

Owns: ``Reference``, ``StatedWindows`` and ``Magnitude``. Not here: whether they hold (``case.checks``).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from detente.contract.reach.window import Every
from detente.errors import KeyPath
from detente.values.committed import is_flow, number
from detente.values.money import Money
from detente.values.quantity import Amount

Divided = Literal["amount", "time", "nothing"]


@dataclass(frozen=True, slots=True)
class Reference:
    """The id of an entry in another section of the case: there must be one."""

    path: KeyPath
    section: Literal["providers", "offers", "workloads"]
    id: str


@dataclass(frozen=True, slots=True)
class StatedWindows:
    """How a clause cuts time, and what a window that the horizon cuts in two would divide.

    ``amount``: one that is stated for all of a window, so that of a window without end no part falls to a plan.
    ``time``: what follows from the time itself, as a flow or a share does. ``nothing``: a cut changes nothing.
    The ``amount`` of a window, in words, where what is owed is told by others. ``whole``: what falls to the part that a
    plan sees is all of it, so that a horizon, other than an amendment, divides nothing.
    """

    path: KeyPath
    every: Every
    divides: Divided
    amount: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Magnitude:
    """What an amount comes to over all of the plan's time: no plan can add up more than ``LARGEST``."""

    path: KeyPath
    value: Fraction
    unit: str


def magnitude(path: KeyPath, amount: Money | Amount, hours: Fraction) -> Magnitude:
    """That of an amount in so many hours, of which GPUs take so many GPU-hours each."""
    if isinstance(amount, Money):
        return Magnitude(path, number(amount), amount.currency)
    if is_flow(amount):
        return Magnitude(path, number(amount) * hours, "GPU-hours over the horizon")
    return Magnitude(path, number(amount), amount.unit)
