"""The unit in which a meter of a clause counts, by its name: ``USD``, ``Mtok``, ``GPU-hour``.

Owns: from a meter and the uses that it covers to that name. Not here: whether it has one (``checks.units``).
"""

from __future__ import annotations

from collections.abc import Iterable

from detente.case.case import Case
from detente.contract.metered.meter import Meter
from detente.demand.workload import AnyWorkload, can_run
from detente.market.offer import AnyOffer


def counted_unit(case: Case, meter: Meter) -> str | None:
    """The currency, the unit of the work that it covers, or that of the offers; None where that is none, or several."""
    covers, facts = meter.selection.covers, case.offer_facts
    pairs = ((workload, offer) for workload in case.workloads for offer in case.offers if can_run(workload, offer))
    return unit_over(case, meter, ((w, o) for w, o in pairs if covers(w.facts, facts[o.id])))


def unit_over(case: Case, meter: Meter, covered: Iterable[tuple[AnyWorkload, AnyOffer]]) -> str | None:
    """The same, where what runs on what of all that it covers is known; not asked of money."""
    if meter.of_money:
        return case.currency if meter.money is None else meter.money.currency
    units = {workload.unit if meter.unit == "work" else offer.taken_in for workload, offer in covered}
    return units.pop() if len(units) == 1 else None
