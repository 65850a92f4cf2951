"""Changes of a case, each of which makes a fact of it untrue: a value is given, there is more work, an offer is open.

Pure: a case in, a case out. Not here: which of them are tried, and what is said where one cures a conflict.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from typing import Any

from detente.case.case import Case
from detente.demand.demand import DemandOverTime
from detente.demand.workload import AnyWorkload, Training
from detente.values.dated import Dated
from detente.values.money import Price
from detente.values.quantity import WIDE, Amount

MORE = 100
"""Times as much work as there is that is tried beside it."""


def valued(case: Case, workloads: Collection[str]) -> Case:
    """Work may go unserved: it has a value, of 1 a unit where it has none."""
    return _with(case, workloads=tuple(_valued(case, w) if w.id in workloads else w for w in case.workloads))


def _valued(case: Case, workload: AnyWorkload) -> AnyWorkload:
    if workload.value is not None:
        return workload
    return workload.model_copy(update={"value": Price(Decimal(1), case.currency, workload.unit)})


def with_more(case: Case, workloads: Collection[str]) -> Case:
    """There is ``MORE`` times as much beside work, in each period in which there is any; and all has a value."""
    each = tuple(_more(w) if w.id in workloads else w for w in case.workloads)
    return valued(_with(case, workloads=each), workloads)


def _more(workload: AnyWorkload) -> AnyWorkload:
    times = Decimal(1 + MORE)
    if isinstance(workload, Training):
        work = Amount(WIDE.multiply(workload.work.value, times), workload.work.unit)
        return workload.model_copy(update={"work": work})
    demand: DemandOverTime = workload.demand
    steps = demand.factor.steps if demand.factor else ()
    before = () if steps and steps[0][0] is None else ((None, times),)
    factor = Dated((*before, *((on, WIDE.multiply(each, times)) for on, each in steps)))
    return workload.model_copy(update={"demand": demand.model_copy(update={"factor": factor})})


def opened(case: Case, offers: Collection[str]) -> Case:
    """Offers are always there."""
    return _of_offers(case, offers, {"from_": None, "until": None, "closed": ()})


def without_capacity(case: Case, offers: Collection[str]) -> Case:
    """Offers state no capacity: there is as much of them as is bought."""
    return _of_offers(case, offers, {"capacity": None})


def begun_any_month(case: Case, offers: Collection[str]) -> Case:
    """Reservations begin with any month: they state no days."""
    return _of_offers(case, offers, {"starts": None})


def with_idle(case: Case) -> Case:
    """Capacity by the hour may stand idle."""
    return _with(case, idle="allowed")


def as_used(case: Case, term: str) -> Case:
    """A clause counts what it covers when it is used."""
    agreements = tuple(
        each.model_copy(
            update={"terms": tuple(t.model_copy(update={"moment": "use"}) if t.id == term else t for t in each.terms)}
        )
        for each in case.declared.agreements
    )
    return _with(case, agreements=agreements)


def _of_offers(case: Case, offers: Collection[str], update: dict[str, Any]) -> Case:
    return _with(case, offers=tuple(o.model_copy(update=update) if o.id in offers else o for o in case.offers))


def _with(case: Case, **update: Any) -> Case:
    return replace(case, declared=case.declared.model_copy(update=update))
