"""What units pay, added up exactly."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from detente.planner.formulation.unit_columns import Paid

AMOUNTS = st.fractions(min_value=0, max_value=10**6, max_denominator=10**4)
COLUMNS = st.lists(st.dictionaries(st.integers(0, 5), AMOUNTS, max_size=4), max_size=6)


@settings(deadline=None)
@given(columns=COLUMNS, data=st.data())
def test_units_of_several_columns_pay_together_what_each_does(
    columns: list[dict[int, Fraction]], data: st.DataObject
) -> None:
    counts = [data.draw(st.integers(0, 10**6)) for _ in columns]
    paid = Paid.of(column.items() for column in columns)
    expected = [Fraction(0)] * 6
    for count, column in zip(counts, columns, strict=True):
        for t, amount in column.items():
            expected[t] += count * amount
    assert [Fraction(parts, paid.whole) for parts in paid.together(counts, 6)] == expected
