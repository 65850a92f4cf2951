from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from detente.report.drawing.axis import Dates, Values
from detente.report.drawing.burndown import burndown
from detente.report.drawing.chart import BarPart, Series, area, shares
from detente.report.drawing.strip import rooms, strip
from detente.report.drawing.svg import both, element, number, steps
from detente.report.timeline import Timeline
from detente.results.plan_rows import CapacityRow
from tests.builders import day
from tests.report.frontier import frontier, hours, months

D = Decimal
TIME = Timeline.of(months(24))
WINDOWS = [w for w in frontier("spirit").commitments if w.term == "aws-commitment"]


def some_area(width: int) -> str:
    rising = [float(i) for i in range(24)]
    series = [Series("A & B", "c0", rising), Series("none", "c1", [0.0] * 24), Series("C", "c2", [5.0] * 24)]
    return area(series, TIME.buckets, 'work of "x" <y>', "GPUs", width)


def some_burndown(width: int) -> str:
    return burndown(WINDOWS, "c1", "a commitment", "USD", width)


def some_strip(width: int) -> str:
    rows = [CapacityRow("o", "p", i, D(100), D(60), D(40), D(10)) for i in range(24)]
    return strip(rooms(rows)[0], TIME, "c3", "an offer", width)


def some_shares(width: int) -> str:
    parts = [BarPart("A", "c0", 0.75, "A: 75%"), BarPart("B", "c1", 0.25, "B: 25%"), BarPart("C", "c2", 0.0, "C")]
    return shares([("spend", parts), ("a name that does not end " * 9, []), ("work", parts)], "shares", width)


DRAWINGS = [some_area, some_burndown, some_strip, some_shares]


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("width", [960, 470, 350])
def test_a_drawing_is_well_formed_named_and_stays_inside(draw: Callable[[int], str], width: int) -> None:
    text = draw(width)
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == (root.findtext("title") or "-")
    assert root.attrib["viewBox"].split()[2] == str(width)
    height = float(root.attrib["viewBox"].split()[3])
    for rect in root.iter("rect"):
        x, y, w, h = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert min(x, y, w, h) >= 0
        assert x + w <= width + 0.2
        assert y + h <= height + 0.2
    for label in root.iter("text"):
        size = 7.4 * len(label.text or "")
        x, anchor = float(label.attrib["x"]), label.attrib.get("text-anchor")
        left = x - size if anchor == "end" else x - size / 2 if anchor == "middle" else x
        assert left >= -8
        assert left + size <= width + 20
    assert "nan" not in text
    assert "inf" not in text
    assert text == draw(width)


def test_both_widths_are_drawn() -> None:
    text = both(some_area)
    assert text.startswith('<div class="wide"><svg viewBox="0 0 960 ')
    assert '</svg></div><div class="narrow"><svg viewBox="0 0 350 ' in text


def test_an_area_stacks_its_series_from_the_bottom() -> None:
    text = some_area(960)
    assert "A &amp; B" in text
    assert "area c0" in text
    assert "area c1" not in text
    assert text.index("area c0") < text.index("area c2")
    assert "Jan 2026 (GPUs)\nC: 5" in text  # nothing of A in the first step
    assert "Dec 2027 (GPUs)\nC: 5\nA &amp; B: 23" in text
    assert 'class="tip"' not in some_area(350)


def test_a_spike_of_unserved_demand_does_not_flatten_the_rest() -> None:
    spike = [0.0] * 23 + [10_000.0]
    text = area([Series("A", "c0", [10.0] * 24), Series("missing", "unserved", spike)], TIME.buckets, "n", "u", 960)
    assert ">15<" in text
    assert ">10 k<" not in text


def test_a_burndown_marks_what_is_short() -> None:
    text = some_burndown(960)
    assert text.count('class="short"') == 7
    assert text.count('class="floor"') == 8
    assert "3.60 bn short" in text
    assert "Mar 2033 – Feb 2034\nrequired: 9.00 bn USD\nspent: 5.40 bn USD\nshort: 3.60 bn USD" in text
    assert "carried in: 40.0 M USD" in text
    assert 'class="c1 brought"' in text
    met = [w for w in frontier("letter").commitments if w.term == "azure-commitment"]
    assert "short" not in burndown(met, "c0", "n", "USD", 960)


def test_many_windows_are_drawn_by_the_year() -> None:
    month = frontier("letter").commitments[0]
    periods = months(200)
    many = [replace(month, start=p.start, end=p.end, amount=D(10), drawn=D(9), short=D(1)) for p in periods]
    text = burndown(many, "c0", "n", "USD", 960)
    assert text.count('class="floor"') == 17
    assert "2027\nrequired: 120.00 USD\nspent: 108.00 USD" in text


def test_a_strip_adds_up() -> None:
    (room,) = rooms([CapacityRow("o", "p", i, D(100), D(60), D(40), D(10)) for i in range(24)])
    assert (room.used, room.standby, room.idle, room.free) == (D("0.4"), D("0.1"), D("0.1"), D("0.4"))
    assert room.words == "40% used, 10% on standby, 10% paid for and idle, 40% free"
    (bare,) = rooms([CapacityRow("o", "p", 0, None, D(4), D(4), D(0))])
    assert bare.words == "100% used; no limit stated"
    (idle,) = rooms([CapacityRow("o", "p", 0, D(7), D(0), D(0), D(0))])
    assert idle.words == "100% free"


@pytest.mark.parametrize("width", [960, 350])
def test_nothing_can_be_drawn(width: int) -> None:
    nothing = Timeline.of(())
    for text in (
        area([], (), "n", "u", width),
        area([Series("A", "c0", [0.0] * 24)], TIME.buckets, "n", "u", width),
        burndown([], "c0", "n", "USD", width),
        strip(rooms([CapacityRow("o", "p", 0, None, D(0), D(0), D(0))])[0], nothing, "c0", "n", width),
        strip(rooms([CapacityRow("o", "p", 0, None, D(0), D(0), D(0))])[0], TIME, "c0", "n", width),
        shares([], "n", width),
        shares([("spend", [])], "n", width),
    ):
        ElementTree.fromstring(text)
        assert "nan" not in text


@pytest.mark.parametrize(
    ("largest", "top", "ticks"),
    [(9.7, 10, 3), (1.0, 1, 3), (0.03, 0.03, 4), (1_234_567, 1_500_000, 4), (2e12, 2e12, 3), (0, 1, 1), (-5, 1, 1)],
)
def test_value_axes_end_on_a_round_number(largest: float, top: float, ticks: int) -> None:
    axis = Values.upto(largest, 100, 0)
    assert axis.top == pytest.approx(top)
    assert len(axis.ticks) == ticks
    assert axis.y(0) == 100
    assert axis.y(axis.top) == 0
    assert axis.y(axis.top * 9) == 0


@pytest.mark.parametrize(
    ("hour_count", "first", "last"),
    [(6, "1 Jan", "05:00"), (72, "1 Jan", "3 Jan"), (2016, "Jan 2026", "Mar"), (24 * 700, "Jan 2026", "Jul")],
)
def test_time_axes_choose_their_unit(hour_count: int, first: str, last: str) -> None:
    time = Timeline.of(hours(hour_count))
    ticks = Dates.over(time.buckets, 50, 464).ticks()
    assert ticks[0][1] == first
    assert ticks[-1][1] == last
    assert len(ticks) <= 9


def test_no_month_is_shown_without_its_year() -> None:
    names = [name for _, name in Dates(day("2026-02-01"), day("2026-11-01"), 0, 600).ticks()]
    assert names[0] == "Feb 2026"
    assert names[1:] == ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct"]


def test_eight_years_have_several_names_on_a_narrow_screen() -> None:
    names = [name for _, name in Dates(day("2026-01-01"), day("2034-01-01"), 0, 250).ticks()]
    assert names == ["Jan 2026", "Jan 2028", "Jan 2030", "Jan 2032"]


def test_steps_are_joined_where_they_are_level() -> None:
    path = steps([0, 10, 20, 30], [5, 5, 2], [9, 9, 9])
    assert path == "M0 5H20V2H30V9H0Z"
    assert re.fullmatch(r"M[\d.HV ]+Z", path)


def test_elements_are_escaped() -> None:
    assert element("g", x='"<', class_="a", stroke_width=1.25) == '<g x="&quot;&lt;" class="a" stroke-width="1.2"/>'
    assert number(-0.01) == "0"
    assert number(3.0) == "3"
