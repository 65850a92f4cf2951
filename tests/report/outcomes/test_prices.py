"""ClausePrices and sweeps for people: the words around an error bar, the terminal, the page."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console

from detente.outcomes.estimate import Estimate, LeastCost
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.outcomes.worth.sweep import NumberSweep, sweep
from detente.report.drawing.bars import Bar, bars
from detente.report.drawing.curve import curve, ticks
from detente.report.estimates import bar, told
from detente.report.outcomes.prices import masked, opening, prices_view
from detente.report.outcomes.sweep import sweep_view, swept
from detente.report.pages.prices_page import render_prices, render_sweep
from tests.builders import EXACT, D, Data, two_clouds
from tests.report.read_page import Page


def floor(name: str = "floor", amount: str = "9000 USD") -> Data:
    return {"id": name, "kind": "minimum-commitment", "amount": amount, "windows": {"every": "term"}}


@pytest.fixture(scope="module")
def found() -> ClausePrices:
    off = {"id": "off", "kind": "discount", "off": "5%"}
    after = {"measure": "after-discounts"}
    answer = price(two_clouds(floor("one") | after, floor("two") | after, off), gap=EXACT)
    assert isinstance(answer, ClausePrices)
    return answer


@pytest.fixture(scope="module")
def curved() -> NumberSweep:
    answer = sweep(two_clouds(floor()), "floor", "0 USD", "40 k USD", steps=5, gap=EXACT)
    assert isinstance(answer, NumberSweep)
    return answer


def on_screen(show: Callable[[Console], None]) -> str:
    out = io.StringIO()
    show(Console(file=out, width=100, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize(
    ("amount", "low", "high", "words", "beside"),
    [
        (3000, 3000, 3000, "3.00 k USD", ""),
        (3000, 2000, 3500, "3.00 k USD", "± 1.00 k USD"),
        (3000, 2999, 3001, "3.00 k USD", ""),
        (300, 0, 1000, "under 1.00 k USD", ""),
        (0, 0, 0, "nothing", ""),
        (-300, -1000, 0, "under 1.00 k USD", ""),
        (-3000, -3000, -3000, "-3.00 k USD", ""),
    ],
)
def test_a_price_is_told_with_its_error_bar(amount: int, low: int, high: int, words: str, beside: str) -> None:
    each = Estimate(D(amount), D(low), D(high))
    assert (told(each, "USD"), bar(each, "USD")) == (words, beside)


def test_the_opening_names_what_costs_and_what_brings_most(found: ClausePrices) -> None:
    said = " ".join(opening(found))
    assert "`off` brings most" in said
    assert "Of 2 clauses the price is zero within the error." in said
    rough = replace(found, cost=LeastCost(Decimal(100), Decimal(99)))
    assert "no plan costs less by more than 1.0%" in opening(rough)[0]


def test_what_is_hidden_is_told_with_its_split(found: ClausePrices) -> None:
    (hidden,) = found.maskings
    said = masked(hidden, "USD")
    assert said.startswith("`one` and `two` hide each other's price")
    assert "A fair split of it: `one`" in said
    shown = on_screen(lambda console: prices_view(found, console))
    assert "hide each other's price" in shown
    assert "Not tried: 3 more pairs" in on_screen(lambda console: prices_view(replace(found, pairs_left=3), console))


def test_the_page_of_prices_is_whole_and_fetches_nothing(found: ClausePrices) -> None:
    text = render_prices(found)
    page = Page(text)
    assert page.mistakes == []
    assert all(link.startswith(("#", "data:text/csv")) for link in page.links)
    assert "Clauses that hide each other's price" in page.text
    assert "hide each other's price" not in Page(render_prices(replace(found, maskings=()))).text
    assert render_prices(found) == text


def test_the_page_of_a_sweep_is_whole(curved: NumberSweep) -> None:
    page = Page(render_sweep(curved))
    assert page.mistakes == []
    assert "0.3333 before, 1 USD after" in page.text


def test_a_sweep_says_where_it_turns(curved: NumberSweep) -> None:
    shown = on_screen(lambda console: sweep_view(curved, console))
    assert "from 0.3333 to 1 USD per USD" in shown
    assert swept(curved)[0] == "The case states 9 k USD."
    stopped = on_screen(lambda console: sweep_view(replace(curved, status="interrupted"), console))
    assert "Stopped by Ctrl-C" in stopped


def test_text_of_a_case_is_escaped_on_the_page(found: ClausePrices) -> None:
    hostile = replace(found, title="<script>alert(1)</script>")
    assert "<script>" not in render_prices(hostile)


def test_bars_of_both_signs_stay_inside_their_drawing() -> None:
    rows = [Bar("costs", 5.0, 4.0, 7.0, "5 USD", "takes"), Bar("brings", -3.0, -3.0, -3.0, "-3 USD", "gives")]
    for width in (960, 350):
        text = bars(rows, "prices", width)
        assert Page(text).mistakes == []
        assert text.count('class="whisker"') == 1, "an error bar that is there"
    assert bars([], "prices", 960)


def test_a_curve_has_its_points_and_its_level_lines() -> None:
    text = curve([(0.0, 100.0), (1.0, 120.0)], [("without", 90.0)], "cost", "USD", "share", 960)
    assert Page(text).mistakes == []
    assert (text.count("<circle"), text.count("without")) == (2, 2)
    assert "no plan" in curve([], [], "cost", "USD", "share", 960)


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0, 100, [0, 25, 50, 75, 100]), (5, 5, [4, 6]), (-3, 3, [-4, -2, 0, 2, 4])]
)
def test_ticks_are_round_and_hold_the_range(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected
