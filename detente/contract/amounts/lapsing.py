"""Which of two credits is used first, where both have some: the one that lapses first.

Owns: that order, of two credits that meet. Not here: which credits meet (``payer``), and how much each pays
(``terms.credit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Protocol

from detente.contract.amounts.applied_times import MANY
from detente.contract.reach.scope import Selection
from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Calendar, Window


class Lapsing(Protocol):
    """A credit whose amount lasts for a window."""

    @property
    def validity(self) -> Validity:
        """When its text is in force."""

    @property
    def covered(self) -> Selection:
        """What it pays for."""

    @property
    def whole(self) -> Calendar:
        """Its windows, whatever a plan sees of them."""


def lapses_before(
    one: Lapsing, other: Lapsing, met: Sequence[Lapsing], windows: Iterable[Window] | None = None
) -> set[bool | None]:
    """Whether what one has is used before what another has, where both have some; both where that changes.

    What lapses first is: each window of one that is given anew has its own end. Of equal ends, that for less use (by
    how many of those that ``met`` cover all that it covers), and then the older; None where these are alike.
    """
    found: set[bool | None] = set()
    mine, theirs = ((_width(each, met), each.validity.first) for each in (one, other))
    alike = None if mine == theirs else mine < theirs
    for window in islice(one.whole if windows is None else windows, MANY):
        for beside in islice(other.whole.over(window.start, window.end), MANY):
            found.add(alike if window.end == beside.end else window.end < beside.end)
    return found


def _width(of: Lapsing, met: Sequence[Lapsing]) -> int:
    """The more, the fewer of those that meet cover all that one covers."""
    return -sum(of.covered.inside(each.covered) is True for each in met)
