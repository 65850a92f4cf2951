"""A reservation's price, spread over the work that fills its term: in round figures, and against plans."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from detente.planner.answer.filled_terms import spread_over
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.planner.answer.test_denied import EXCLUSIVE, gpus, prices, token_offer, work, world

Data = dict[str, Any]
D = Decimal
HOURS = [744, 672, 744]  # of the first three months of 2026


def dated(*by_month: str) -> Data:
    return {f"2026-{month:02}": f"{price} USD per GPU-hour" for month, price in enumerate(by_month, 1)}


def reserved(*by_month: str, months: int, **more: Any) -> Data:
    return gpus("b", "", buy="reserved", term=f"{months} months") | {"price": dated(*by_month)} | more


@pytest.mark.parametrize(
    ("permitted", "offers", "expected"),
    [
        # what each month costs where the work runs, less 2.17; January would only fill a term that saves less
        (("2.20", "2.20", "2.86"), [reserved("2.17", months=2)], [None, "0.03", "0.69"]),
        # bought in January it is 0.66 cheaper, from February on 1.28; a term that begins in March is not sold
        (("2.20",), [reserved("1.54", "0.92", months=2)], [None, "1.28", "1.28"]),
        # it is sold with its part inside: 1,416 hours of 0.66 and 744 of 1.28 are more than 1,416 of 1.28
        (("2.20",), [reserved("1.54", "0.92", months=2, cut="prorate")], ["0.66", "0.66", "1.28"]),
        (("3", "2.50", "2.20"), [reserved("2", months=3)], ["1", "0.5", "0.2"]),
        # February pays 1 and saves nothing; of 2 times 1,416 March pays the other 2,160 of 744 times 3
        (("1", "1", "3"), [reserved("2", months=2)], [None, None, "0.0967741935"]),
        # March may be rented at 1.90 and pays no more; January and February pay 2 times 2,160 less 1.90 times 744
        (
            ("3",),
            [reserved("2", months=3), gpus("c", "") | {"price": dated("3", "3", "1.90")}],
            ["0.947457627", "0.947457627", "1.1"],
        ),
    ],
    ids=["dated", "cheaper-later", "cut", "falling", "pays-what-it-saves", "elsewhere"],
)
def test_each_hour_of_a_term_costs_the_same(
    permitted: tuple[str, ...], offers: list[Data], expected: list[str | None]
) -> None:
    here = gpus("a", "") | {"price": dated(*permitted)}
    case = world(here, *offers, terms=[EXCLUSIVE])
    assert [price for price, _, _ in prices(case)] == [D(each) for each in expected if each]
    one_more = [work("w", "8 GPU", "v"), work("one", "1 GPU", "z")]
    bound, free = plan(case), plan(world(here, *offers, terms=[EXCLUSIVE], workloads=one_more))
    assert isinstance(bound, Plan)
    assert isinstance(free, Plan)
    saved = sum(D(price or 0) * hours for price, hours in zip(expected, HOURS, strict=True))
    assert bound.cost - free.cost == pytest.approx(saved, abs=D("0.00001"))


def test_a_little_work_fills_as_much_of_a_term_in_each_month_whatever_is_asked_for_then() -> None:
    """Tokens cost 1 on `a`, 0.80 on GPUs reserved at 2.40 that serve 3 Mtok an hour, and 1.10 on `b`."""
    demand = {"rate": {"2026-01": "100 Mtok per hour", "2026-02": "50 Mtok per hour"}}
    runs_on = {"models": ["m"], "accelerators": {"X": "3 Mtok per GPU-hour"}}
    needs = work("w", "", "v", **{"runs-on": runs_on, "mix": {"output": "50%"}}) | {"demand": demand}
    gpu = gpus("c", "2.40", buy="reserved", term="3 months")
    elsewhere = token_offer("1.10") | {"id": "ob", "provider": "b"}
    case = world(token_offer("1"), elsewhere, gpu, terms=[EXCLUSIVE], workloads=[needs])
    assert [price for price, _, _ in prices(case)] == [D("0.2")] * 3


def test_a_price_is_spread_evenly_within_its_bounds() -> None:
    """Of 12 over 1, 2 and 3 hours at most 1 falls on the first: of the other 11 each of 5 hours pays 2.20."""
    term, before, most = [np.arange(3, dtype=np.int32)], np.array([1.0, 5.0, 1 / 3]), np.array([1.0, 5.0, 5.0])
    assert spread_over(term, before, np.zeros(3), most, np.array([1.0, 2.0, 3.0])) == pytest.approx([1.0, 2.2, 2.2])


def test_terms_that_overlap_each_keep_what_they_come_to() -> None:
    """3 over the first two hours, and 3 over the last two: 1 + x, 2 - x, 1 + x; the squares are least at x = 0.

    Begun at 3, 0, 3; with no more than 0.50 in the middle it is 2.50, 0.50, 2.50.
    """
    terms, hours = [np.array([0, 1], dtype=np.int32), np.array([1, 2], dtype=np.int32)], np.ones(3)
    before, most = np.array([3.0, 0.0, 3.0]), np.full(3, 9.0)
    assert spread_over(terms, before, np.zeros(3), most, hours) == pytest.approx([1.0, 2.0, 1.0], abs=1e-5)
    most[1] = 0.5
    assert spread_over(terms, before, np.zeros(3), most, hours) == pytest.approx([2.5, 0.5, 2.5], abs=1e-5)
