"""What a plan's rows come to once more: gangs that rent for themselves, and what is counted when it is bought."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from detente.case import planned
from detente.case.case import Case
from detente.case.planned import must_hold
from detente.errors import PlanError
from tests.builders import Data, agreement, build, compute, gpus, solved


def _gang(name: str, size: int, work: str = "1 k GPU-hour") -> Data:
    runs = {"runs-on": {"accelerators": {"H100": 1}}, "from": "2026-01-01", "deadline": "2026-02-01"}
    return {"id": name, "kind": "training", "work": work, "gang": f"{size} GPU", **runs}


def _case(*workloads: Data, every: str = "month", price: int = 2) -> Case:
    horizon = {"start": "2026-01", "end": "2026-02", "every": every}
    return build([gpus("north", price, unit=1)], list(workloads), horizon=horizon)


@pytest.mark.parametrize(
    ("case", "cost"),
    [
        (_case(_gang("a", 8), _gang("b", 8)), 4_000),  # 2 x 1,000 GPU-hours x 2 USD
        (_case(_gang("a", 8), _gang("b", 16)), 4_000),  # 125 hours and 62.5: one cost
        (_case(_gang("a", 8), _gang("b", 8), every="day"), 4_000),
        (_case(_gang("a", 8), _gang("b", 16), every="day"), 4_000),
        # as much as a service, 8 x 744 x 2, and in half of the time
        (_case(_gang("a", 16, "5.952 k GPU-hour"), _gang("b", 8, "5.952 k GPU-hour"), compute("c", "8 GPU")), 35_712),
        (_case(_gang("a", 8), _gang("b", 16), compute("c", "8 GPU"), price=0), 0),  # hours alone tell them apart
    ],
    ids=["alike", "sizes", "by-day", "sizes-by-day", "beside-a-service", "free"],
)
def test_each_purchase_is_one_gangs_where_several_cost_the_same(case: Case, cost: int) -> None:
    found = solved(case)
    assert found.cost == cost
    assert all(row.what == "use" for row in found.charges)  # gangs rent what they use, and the service is full
    must_hold(found, case, "plan")


def test_a_purchase_that_is_no_gangs_is_held_throughout() -> None:
    case = _case(_gang("a", 8), _gang("b", 8))
    found = solved(case)
    first, second = found.purchases
    assert (first.units, first.hours, first.cost) == (second.units, second.hours, second.cost) == (8, 125, 2_000)
    more, longer, cheaper = (
        replace(second, units=16),
        replace(second, hours=Decimal(126)),
        replace(second, cost=Decimal(1_999)),
    )
    for edited in (more, longer, cheaper):
        with pytest.raises(PlanError, match="it was changed since it was saved"):
            must_hold(replace(found, purchases=(first, edited)), case, "plan")


def test_of_a_plan_of_many_rows_names_and_days_alone_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of work and one of capacity are the plan."""
    case = _case(_gang("a", 8))
    found = solved(case)
    cheaper = replace(found, purchases=(replace(found.purchases[0], cost=Decimal(1_999)),))
    monkeypatch.setattr(planned, "MAX_ROWS", 2)
    with pytest.raises(PlanError, match="the cost of a purchase of north-gpus"):
        must_hold(cheaper, case, "plan")
    monkeypatch.setattr(planned, "MAX_ROWS", 1)
    must_hold(cheaper, case, "plan")
    with pytest.raises(PlanError, match="its title"):
        must_hold(replace(found, title="another"), case, "plan")


@pytest.mark.parametrize(("moment", "invoiced"), [("invoice", "monthly"), ("invoice", "upfront"), ("purchase", None)])
def test_what_is_reserved_counts_when_it_is_bought_or_invoiced(moment: str, invoiced: str | None) -> None:
    """March's floor is met by what is paid for March on its first day, 8 x 744 x 2; the two before cost what they lack.

    By its use it would be invoiced in April, behind the horizon: a fee for March was found, which no plan owes.
    """
    offer = gpus("north", 2, unit=8, buy="reserved", term="1 month") | ({"invoiced": invoiced} if invoiced else {})
    job = {"id": "job", "kind": "training", "runs-on": {"accelerators": {"H100": 1}}}
    job |= {"from": "2026-03-01", "deadline": "2026-04-01", "work": "5.952 k GPU-hour"}
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "1000 USD", "windows": {"every": "month"}}
    floor |= {"moment": moment, "shortfall": {"fee": "100%"}}
    horizon = {"start": "2026-01", "end": "2026-04", "every": "month"}
    case = build([offer], [job], agreement(floor), horizon=horizon)
    found = solved(case)
    assert [row.amount for row in found.postings] == [1_000, 1_000]
    assert found.cost == 8 * 744 * 2 + 2_000
    must_hold(found, case, "plan")
    cheaper = replace(found, postings=(found.postings[0],))
    with pytest.raises(PlanError, match=r"the number of `postings` is 1, and in the case 2"):
        must_hold(cheaper, case, "plan")
