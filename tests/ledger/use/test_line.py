"""Lines of use, cut: parts come to the whole, to the billionth, with what each discount takes off in its own time."""

from __future__ import annotations

import pytest

from detente.ledger.journals.record import TokenCounts
from detente.ledger.use.line import UseClass, UseLine

OF = UseClass("use", {}, {"provider": "north"})


@pytest.mark.parametrize(
    ("amount", "parts"), [(10, [3, 4, 3]), (-10, [-3, -4, -3]), (1, [0, 1, 0]), (0, [0, 0, 0]), (10**30, None)]
)
def test_an_amount_is_even_over_its_time(amount: int, parts: list[int] | None) -> None:
    """Cut in thirds: what is up to each, rounded, less what was before it (3.33, 6.67, 10)."""
    line = UseLine(OF, 0, 30, work=amount, listed=amount, net=amount, tokens=TokenCounts(7, 1))
    found = line.cut([10, 20])
    assert [(each.start, each.end) for each in found] == [(0, 10), (10, 20), (20, 30)]
    assert sum(each.work for each in found) == sum(each.net for each in found) == amount
    assert parts is None or [each.work for each in found] == parts
    assert [(each.tokens.input, each.tokens.output) for each in found] == [(2, 0), (3, 1), (2, 0)]


def test_what_is_taken_off_is_of_its_own_time() -> None:
    """6 off in the last half of 30: nothing of the first third, a third of the second, the rest of the last."""
    line = UseLine(OF, 0, 30, listed=30, net=24, off=(("off", 15, 30, 6),))
    found = line.cut([10, 20])
    assert [each.off for each in found] == [(), (("off", 15, 20, 2),), (("off", 20, 30, 4),)]
    assert [each.net for each in found] == [10, 8, 6]


def test_what_is_at_a_moment_is_not_cut() -> None:
    line = UseLine(OF, 5, 5, work=3)
    assert line.cut([]) == [line]
