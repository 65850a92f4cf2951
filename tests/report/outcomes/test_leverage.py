"""Who needs whom more, for people: the words, the terminal, the page and its picture."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from detente.outcomes.estimate import Estimate
from detente.outcomes.leverage.leverage import DemandCurve, DemandPoint, Leverage, NotServed, ProviderLeverage
from detente.outcomes.leverage.leveraging import leverage
from detente.report.drawing.scales import ScaleRow, scales
from detente.report.figures.leverage import leverage_figures
from detente.report.outcomes.leverage import (
    balance,
    consequences,
    curve_words,
    leverage_view,
    opening,
    our_side,
    zone_words,
)
from detente.report.pages.leverage_page import render_leverage
from tests.builders import EXACT, PROVIDERS, D, agreement, build, day, tokens, work
from tests.report.read_page import Page


@pytest.fixture(scope="module")
def found() -> Leverage:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD", "windows": {"every": "term"}}
    offers = [tokens("north", 3), tokens("south", 2)]
    providers = [p | ({"margin": "40%"} if p["id"] == "south" else {}) for p in PROVIDERS]
    case = build(offers, [work(value="5 USD per Mtok")], agreement(floor), providers=providers)
    answer = leverage(case, gap=EXACT)
    assert isinstance(answer, Leverage)
    return answer


@pytest.fixture
def south(found: Leverage) -> ProviderLeverage:
    return next(each for each in found.providers if each.provider == "south")


def estimate(amount: int, bar: int = 0) -> Estimate:
    return Estimate(D(amount), D(amount - bar), D(amount + bar))


@pytest.mark.parametrize(
    ("cost", "loses", "words"),
    [
        (3_000, 1_000, "we need it more (3.0 times)"),
        (1_000, 3_000, "it needs us more (3.0 times)"),
        (3_000, 0, "we need it more"),
        (0, 0, "neither needs the other"),
        (-500, 1_000, "it needs us more"),
    ],
)
def test_who_needs_whom_more(south: ProviderLeverage, cost: int, loses: int, words: str) -> None:
    each = replace(south, loss=replace(south.loss, cost=estimate(cost), loses=D(loses), profit=None))
    assert balance(each) == words


def test_what_no_money_replaces_is_said(south: ProviderLeverage) -> None:
    left = NotServed("chat", "Mtok", D(20), D("0.02"), day("2026-01-01"), day("2026-03-01"), valued=False)
    stranded = replace(south, loss=replace(south.loss, unserved=(left,)))
    assert balance(stranded) == "we cannot do without it"
    assert our_side(stranded, "USD").endswith("and work without a value")
    assert consequences(stranded)[0] == (
        "not served: 2.0% of `chat` (20 Mtok), Jan 2026 – Feb 2026: no plan serves more of it, and the case states no "
        "value for it"
    )
    impossible = replace(south, loss=replace(south.loss, cost=None, breaks=("floor",), loses=None))
    assert our_side(impossible, "USD") == "the clauses cannot all be met"
    assert balance(impossible) == "we cannot do without it"


@pytest.mark.parametrize(
    ("cost", "bar", "words"),
    [(-500, 100, "nothing: it saves 500.00 USD (400.00 USD at present value)"), (-50, 100, "under 150.00 USD")],
)
def test_a_loss_that_saves_is_told_as_what_it_saves(south: ProviderLeverage, cost: int, bar: int, words: str) -> None:
    each = replace(south, loss=replace(south.loss, cost=estimate(cost, bar), today=D(-400), profit=None))
    assert our_side(each, "USD") == words


def test_the_opening_names_the_worst_loss_and_who_needs_us(found: Leverage) -> None:
    said = " ".join(opening(found))
    assert said.startswith("Lost is each provider by itself, from 2026-01-01 on, for ever.")
    assert "Losing `south` costs us most: 3.00 k USD." in said
    assert "`north` would lose more than we would." in said
    assert "its profit, where the case states its `margin`" in said


@pytest.mark.parametrize(
    ("start", "end", "counted", "told"),
    [
        ("2026-02-01", "2026-02-11", ("2026-02-01", "2026-03-01"), "in Feb 2026"),
        ("2026-02-10", None, ("2026-03-01", "2026-07-01"), "from 2026-03-01 on"),
        ("2026-02-01", "2026-04-01", ("2026-02-01", "2026-04-01"), ""),
    ],
)
def test_periods_that_are_lost_are_named_where_they_are_not_just_the_time_asked_for(
    found: Leverage, south: ProviderLeverage, start: str, end: str | None, counted: tuple[str, str], told: str
) -> None:
    until, lost = None if end is None else day(end), (day(counted[0]), day(counted[1]))
    loss = replace(south.loss, start=day(start), end=until, counted=lost)
    answer = replace(found, providers=(replace(south, loss=loss),))
    sentence = f"The plan loses whole periods, those that begin in that time: {told}."
    assert (sentence in opening(answer), sentence in render_leverage(answer)) == (bool(told), bool(told))
    origin = next(f.origin for f in leverage_figures(answer) if f.address == "providers/south/cost")
    assert origin.startswith(f"a plan made anew without it {told or 'in Feb 2026 – Mar 2026'}, less")


def test_an_agreement_has_room_where_both_gain(south: ProviderLeverage) -> None:
    assert (
        zone_words(south, "USD")
        == "between 3.60 k USD, the least that suits it, and 9.00 k USD, what it is worth to us"
    )
    assert zone_words(replace(south, zone=(D(9_000), D(4_000))), "USD").startswith("none: it needs 9.00 k USD")


def curve(*volumes: tuple[str, int], tenth: tuple[str, str] | None = None) -> DemandCurve:
    points = tuple(DemandPoint(D(factor), D(volume) * D(factor), D(volume)) for factor, volume in volumes)
    return DemandCurve(points, None, None, None if tenth is None else (D(tenth[0]), D(tenth[1])))


def test_a_curve_says_where_we_leave_and_come(south: ProviderLeverage) -> None:
    assert south.curve is not None
    assert curve_words(south.curve)[0] == "half of it leaves between +50% and +50.8%"
    nothing = curve(("0.5", 10), ("1", 0), tenth=("0.5", "0.75"))
    assert curve_words(nothing) == ["it sells us nothing today, and would between −25% and −50%"]
    assert curve_words(curve(("1", 0))) == ["it sells us nothing today, nor at half its prices"]
    assert curve_words(curve(("1", 5))) == ["no discount to half its prices wins another tenth"]


def test_the_terminal_shows_both_sides_and_the_split(found: Leverage) -> None:
    out = io.StringIO()
    leverage_view(found, Console(file=out, width=100, highlight=False))
    shown = out.getvalue()
    for heading in ("Who needs whom more", "If it is lost", "If its prices change", "Room for an agreement"):
        assert heading in shown
    assert "What all providers save us against serving nothing" in shown
    assert "the core" in shown
    out = io.StringIO()
    stopped = replace(found, status="interrupted", no_split="it was stopped")
    leverage_view(stopped, Console(file=out, width=100, highlight=False))
    assert "Stopped by Ctrl-C" in out.getvalue()


def test_the_page_is_whole_and_fetches_nothing(found: Leverage) -> None:
    text = render_leverage(found)
    page = Page(text)
    assert page.mistakes == []
    assert all(link.startswith(("#", "data:text/csv")) for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert "<script>" not in render_leverage(replace(found, title="<script>"))
    assert (
        "There is no fair split: nobody knows." in Page(render_leverage(replace(found, no_split="nobody knows"))).text
    )
    assert render_leverage(found) == text


def test_scales_stay_inside_their_drawing() -> None:
    rows = [
        ScaleRow("North", 10.0, 4.0, "10 USD", "4 USD", "it needs us more", "takes"),
        ScaleRow("South", 0.0, 0.0, "–", "no plan", "we cannot do without it", "takes", boundless=True),
    ]
    for width in (960, 350):
        assert Page(scales(rows, "it loses", "losing it costs us", "both sides", width)).mistakes == []
    assert scales([], "it loses", "losing it costs us", "both sides", 960)
