"""What an amendment hands over of clauses whose windows are not all that they count in, by hand.

100 GPUs at 1 USD are 72,000 USD in a month of 30 days, 434,400 until July 2026, 876,000 in all of the year. Not here:
windows that divide an amount, kind by kind (``tests.planner.test_taken_over``).
"""

from __future__ import annotations

from typing import Any

from detente.case.case import Case
from tests.builders import D, Data, agreement, compute, data_of, gpus, mistakes, solved

TAKEN = {"takes-over": "whole-window"}


def signed(kind: str, before: Data, after: Data, *, on: str = "2026-07-01", **head: Any) -> Data:
    """100 GPUs at North for a year, and a clause with an amendment of it."""
    texts = [{"id": "c", "kind": kind} | text for text in (before, after)]
    deal = agreement(texts[0], *head.pop("others", ()), id="deal", ends="2027-01-01")
    later = agreement(texts[1], id="later", ends="2027-01-01", amends="deal", effective=on)
    return data_of([gpus("north", 1)], [compute(demand="100 GPU")], deal, later, months=12, **head)


def cost(data: Data) -> D:
    return solved(Case.of(data)).cost.quantize(D(1))


# -- milestones ----------------------------------------------------------------------------------------------------
def milestone(by: str, reach: str, **more: Any) -> Data:
    return {"milestones": [{"by": by, "reach": reach} | more]}


def test_a_milestone_before_a_window_is_taken_over_whole_is_asked() -> None:
    """300 k by April, of which 216 k are used: 10% of the rest. Then 900 k in all."""
    before = {"amount": "800 k USD"} | milestone("2026-04-01", "300 k USD", fee="10%")
    assert cost(signed("minimum-commitment", before, {"amount": "900 k USD"} | TAKEN)) == 900_000 + 8_400


def test_what_is_prepaid_before_a_window_is_taken_over_whole_is_refused() -> None:
    """The same as one text, which the remedy says, can be planned: 84 k are prepaid, and drawn by December."""
    prepaid = milestone("2026-04-01", "300 k USD", fee="100%", **{"charged-as": "prepayment"})
    before, after = {"amount": "800 k USD"} | prepaid, {"amount": "900 k USD"}
    (said,) = mistakes(signed("minimum-commitment", before, after | TAKEN))
    assert said.startswith("what is prepaid on 2026-04-01 is drawn after an amendment that takes over the whole")
    one = agreement({"id": "c", "kind": "minimum-commitment"} | prepaid | after, ends="2027-01-01")
    assert cost(data_of([gpus("north", 1)], [compute(demand="100 GPU")], one, months=12)) == 900_000
