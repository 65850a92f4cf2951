"""The unit in which a meter of a clause counts, by its name: ``USD``, ``Mtok``, ``GPU-hour``.

Owns: from a meter and the case around it to that name. Not here: whether it has one (``checks.units``).
"""

from __future__ import annotations

from detente.case.case import Case
from detente.contract.metered.meter import Meter


def counted_unit(case: Case, meter: Meter) -> str | None:
    """The currency, the unit of the work that it covers, or that of the offers; None where that is none, or several."""
    if meter.of_money:
        return case.currency if meter.money is None else meter.money.currency
    covers, facts = meter.selection.covers, case.offer_facts
    if meter.unit == "work":
        units = {w.unit for w in case.workloads if any(covers(w.facts, facts[o.id]) for o in case.offers)}
    else:
        units = {o.taken_in for o in case.offers if any(covers(w.facts, facts[o.id]) for w in case.workloads)}
    return units.pop() if len(units) == 1 else None
