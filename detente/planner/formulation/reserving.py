"""What is reserved, as clauses count it that do so when it is bought or invoiced.

Owns: when each column's units count, and what one of them adds to a window then. Not here: which units a case may buy
(``purchases``), and the same in exact numbers (``answer.reservations``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from detente.contract.metered.counting_moment import CountingMoment
from detente.contract.metered.meter import Meter
from detente.contract.reach.window import Window
from detente.market.invoicing import instalments
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Part
from detente.planner.formulation.unit_columns import Units
from detente.values.period import later


def counted_on(draft: Draft, units: Units, column: int, when: CountingMoment) -> list[datetime]:
    """The moments at which parts count (``instalment_parts``) of what a plan pays for units that begin there."""
    start, offer = draft.periods[units.starts[column]].span_start, units.offer
    assert offer.term is not None, "it is reserved"
    if when == "purchase" or offer.invoiced is None:  # the case was checked
        return [start]
    return instalments(offer.invoiced, start, min(later(start, offer.term), draft.horizon.closes))


def bought(draft: Draft, units: Units, meter: Meter, by: Sequence[Window]) -> Part:
    """What one of each column's units adds to a measure in each window."""
    row_of = {window.index: row for row, window in enumerate(by)}
    rows, columns, values = [], [], []
    for column, paid in enumerate(units.paid):
        cost = sum(float(hours) * float(units.rates[column][t]) for t, hours in paid.items())
        days = counted_on(draft, units, column, meter.moment)
        for at, of_all in zip(days, units.offer.instalment_parts(days), strict=True):
            part = draft.prices.part_paid(units.offer.id, at) if meter.measure == "spend" else 1.0
            part /= 1 if meter.money is None else float(meter.money.rate(at))
            for window in meter.windows.over(at, at):
                rows.append(row_of[window.index])
                columns.append(units.columns[column])
                values.append(units.units[column] * cost * float(of_all) * part)
    return np.array(rows, dtype=np.int32), np.array(columns, dtype=np.int32), np.array(values)
