"""Charts of shares and of work over time, as SVG.

Owns: stacked steps over time, lines that run up, and stacked bars of shares. Not here: commitments (``burndown``),
capacity (``strip``), and what the numbers mean. Pure functions; the same input gives the same text. Coordinates are
floats: every number that is read stands exact in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detente.report.drawing.axis import Dates, Values
from detente.report.drawing.svg import WIDE, drawing, element, label, line, number, rect, steps, title
from detente.report.numerals import compact, percent
from detente.report.timeline import Bucket

LEFT = 50
"""Room for the values beside an axis, in px."""

MAX_TIPS = 40
"""Columns with a tooltip of their own in one drawing."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is stacked: a name, a colour class, and a value a step."""

    name: str
    colour: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar of shares: a name, a colour class, a share from 0 to 1, and what a tooltip says."""

    name: str
    colour: str
    share: float
    tip: str


def area(
    series: Sequence[Series], buckets: Sequence[Bucket], name: str, unit: str, width: int, height: int = 170
) -> str:
    """Stacked steps over time.

    Parameters
    ----------
    series
        From the bottom up, each with one value a bucket. A series of the class ``unserved`` is cut off where it would
        make the rest unreadable: demand that is settled once, at a deadline, is a spike.
    buckets
        The steps; none draws an empty frame.
    name
        What the drawing shows, for those who do not see it.
    unit
        Of the values, written over the axis.
    """
    if not buckets:
        return drawing(width, 40, name, [label(4, 24, "no periods")])
    stacked = _stack(series, len(buckets))
    firm = [s for s in series if s.colour != "unserved"]
    most = max(_stack(firm, len(buckets))[-1], default=0.0)
    peak = max(stacked[-1], default=0.0)
    values = Values.upto(min(peak, most * 1.5) if most else peak, height - 24, 22)
    dates = Dates.over(buckets, LEFT, width - 6)
    xs = dates.edges(buckets)
    drawn = [label(0, 11, unit), *values.draw(LEFT, width - 6)]
    for index, one in enumerate(series):
        if any(one.values):
            bottom, top = ([values.y(v) for v in stacked[index + k]] for k in (0, 1))
            drawn.append(element("path", title(one.name), d=steps(xs, top, bottom), class_=f"area {one.colour}"))
    drawn += dates.draw(height - 24)
    if width >= WIDE // 2 - 20:
        drawn += _tips(series, buckets, xs, height, unit)
    return drawing(width, height, name, drawn)


def lines(
    series: Sequence[Series], buckets: Sequence[Bucket], name: str, unit: str, width: int, height: int = 220
) -> str:
    """What runs up over time, a line a series: each value stands at the end of its step, and the line begins at 0."""
    if not buckets:
        return drawing(width, 40, name, [label(4, 24, "no periods")])
    values = Values.upto(max((max(s.values) for s in series), default=0.0), height - 24, 22)
    dates = Dates.over(buckets, LEFT, width - 6)
    xs = dates.edges(buckets)
    drawn = [label(0, 11, unit), *values.draw(LEFT, width - 6)]
    for one in series:
        points = zip(xs, (values.y(v) for v in (0.0, *one.values)), strict=True)
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        drawn.append(element("path", title(one.name), d=path, class_=f"run {one.colour}"))
    return drawing(width, height, name, [*drawn, *dates.draw(height - 24)])


def _stack(series: Sequence[Series], n: int) -> list[list[float]]:
    """Running sums: a list more than there are series, the first all zero."""
    found = [[0.0] * n]
    for one in series:
        found.append([a + b for a, b in zip(found[-1], one.values, strict=True)])
    return found


def _tips(
    series: Sequence[Series], buckets: Sequence[Bucket], xs: Sequence[float], height: float, unit: str
) -> list[str]:
    """Unseen columns that tell their values on hovering; several steps share one where there are many."""
    each = -(-len(buckets) // MAX_TIPS)
    drawn = []
    for a in range(0, len(buckets), each):
        b = min(a + each, len(buckets))
        span = buckets[a].label if b - a == 1 else f"{buckets[a].label} to {buckets[b - 1].label}"
        means = [(s.name, sum(s.values[a:b]) / (b - a)) for s in series]
        lines = [f"{name}: {compact(value)}" for name, value in reversed(means) if value]
        tip = "\n".join([f"{span} ({unit})", *(lines or ["nothing"])])
        drawn.append(rect(xs[a], 18, xs[b] - xs[a], height - 42, "tip", tip))
    return drawn


def shares(rows: Sequence[tuple[str, Sequence[BarPart]]], name: str, width: int) -> str:
    """Horizontal bars, one a row, each cut into its shares; wide with the row's name beside it, narrow above it."""
    beside = width >= WIDE // 2
    left = min(260.0, 14 + 7.4 * max((len(text) for text, _ in rows), default=0)) if beside else 0.0
    pitch, bar = (34, 24) if beside else (50, 24)
    drawn = []
    for index, (text, parts) in enumerate(rows):
        top = index * pitch + (4 if beside else 22)
        room = int((left if beside else width) / 7.4)
        shown = text if len(text) <= room else f"{text[: room - 1]}…"
        drawn.append(label(0, top + 17 if beside else top - 7, shown, "t strong"))
        x, whole = left, width - left
        for part in parts:
            size = whole * min(max(part.share, 0.0), 1.0)
            if size <= 0:
                continue
            drawn.append(rect(x, top, size, bar, part.colour, part.tip))
            words = percent(part.share)
            if size > 7.4 * len(words) + 4:
                drawn.append(label(x + size / 2, top + 16.5, words, f"on {part.colour}", "middle"))
            x += size
            drawn.append(line(x, top, x, top + bar, "gap"))
        if x == left:
            drawn.append(rect(left, top, whole, bar, "none"))
            drawn.append(label(left + 8, top + 16.5, "nothing"))
    return drawing(width, max(len(rows) * pitch + 2, 10), name, drawn)
