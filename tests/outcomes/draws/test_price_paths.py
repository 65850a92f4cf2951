"""Prices that move from day to day within a draw, as they were observed to move."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.market.offer import TokenOffer
from detente.outcomes.draws.draws import draw
from detente.outcomes.draws.levels import levels, path, under_levels
from tests.builders import D, Data, compute, data_of, gpus, tokens
from tests.outcomes.draws.worlds import found, near, priced


@pytest.mark.parametrize("head", [{}, {"every": "hour"}, {"every": "month"}])
def test_prices_move_from_day_to_day_within_a_draw(tmp_path: Path, head: Data) -> None:
    case = priced(tmp_path, head)
    (risk,) = levels(case)
    for each in (draw(case, [D(1)], 3, index) for index in range(3)):
        moved = path(case, risk, *each.steps)
        assert set(moved) <= {D("0.5"), D("-0.5"), D(0)}
        assert (len(moved), moved[0]) == (12, 0), "today's price is known"
        (one,) = [drawn for drawn in found(case, seed=3, draws=3).draws if drawn.index == each.index]
        assert near(one.cost, sum((48 * (1 + by) for by in moved), D(0)))
        assert near(one.levels["spot"], sum(moved, D(0)) / 12)


def test_work_goes_where_it_is_cheaper_on_the_day(tmp_path: Path) -> None:
    case = priced(tmp_path, {}, tokens("north", D("2.5")))
    for each in found(case, draws=3).draws:
        moved = path(case, levels(case)[0], *draw(case, [D(1)], 0, each.index).steps)
        assert near(each.cost, sum((24 * min(D("2.5"), 2 * (1 + by)) for by in moved), D(0)))


def test_what_is_reserved_at_today_s_price_keeps_it(tmp_path: Path) -> None:
    """Ten GPUs at 2 USD from the first day on, whatever they cost later."""
    (tmp_path / "spot.csv").write_text("day,usd\n2025-01-01,9\n2025-01-02,3\n")
    prices = {"file": "spot.csv", "columns": {"start": "day", "price": "usd"}}
    offer = gpus("north", 2, buy="reserved", term="1 month")
    data = data_of([offer], [compute(value="9 USD per GPU-hour")], months=1) | {
        "risks": [{"id": "spot", "kind": "price", "prices": prices}]
    }
    answer = found(Case.of(data, tmp_path), draws=3)
    assert [each.cost for each in answer.draws] == [10 * 744 * 2] * 3


def test_prices_that_move_lie_over_those_that_change_on_dates_exactly(tmp_path: Path) -> None:
    def at(price: str) -> Data:
        return {"input": f"{price} USD per Mtok", "output": f"{price} USD per Mtok"}

    dated = tokens("south", 2) | {"id": "new", "price": {"2026-01-03": at("0.1"), "2026-01-07": at("4")}}
    case = priced(tmp_path, {}, dated)
    step = draw(case, [D(1)], 0, 0).steps
    moved = path(case, levels(case)[0], *step)
    api, new = under_levels(case, step).offers
    assert isinstance(api, TokenOffer)
    assert isinstance(new, TokenOffer)
    for day, by in enumerate(moved):
        when = datetime(2026, 1, 1 + day, 12, tzinfo=UTC)
        asked, later = api.price.on(when), new.price.on(when)
        assert asked is not None
        assert asked.input.amount == 2 * (1 + by)
        assert (later and later.output.amount) == (None if day < 2 else D("0.1" if day < 6 else 4) * (1 + by))
