"""Which of two credits is used first, where both have some: the one that lapses first.

Owns: that order, of two credits that meet. Not here: which credits meet (``payer``), and how much each pays
(``terms.credit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from detente.contract.amounts.applied_times import MANY
from detente.contract.case_view import ClauseView
from detente.contract.reach.window import Calendar, Window


def lapses_before(
    one: ClauseView, windows: Iterable[Window], other: ClauseView, its: Calendar, met: Sequence[ClauseView]
) -> set[bool | None]:
    """Whether what one has is used before what another has, where both have some; both where that changes.

    Each with its windows, whatever a plan sees of them. What lapses first is: each window of one that is given anew has
    its own end. Of equal ends, that for less use (by how many of those that ``met`` cover all that it covers), and then
    the older; None where these are alike.
    """
    found: set[bool | None] = set()
    mine, theirs = ((_width(each, met), each.validity.first) for each in (one, other))
    alike = None if mine == theirs else mine < theirs
    for window in islice(windows, MANY):
        for beside in islice(its.over(window.start, window.end), MANY):
            found.add(alike if window.end == beside.end else window.end < beside.end)
    return found


def _width(of: ClauseView, met: Sequence[ClauseView]) -> int:
    """The more, the fewer of those that meet cover all that one covers."""
    return -sum(of.covered.inside(each.covered) is True for each in met)
