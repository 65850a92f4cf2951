"""Bars of money from a line in the middle: what costs to the right, what brings to the left, each with its error bar.

Owns: drawing them as SVG. Not here: what they mean. Coordinates are floats: every amount stands exact in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detente.report.drawing.svg import WIDE, drawing, element, label, line, number, rect

PITCH, HEIGHT = 30, 18
"""Px from bar to bar, and of one bar."""

LETTER = 7.4
"""Px of a letter, about."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a name, an amount with the two between which it lies, what is written beside it, a colour class."""

    name: str
    amount: float
    low: float
    high: float
    words: str
    colour: str


def bars(rows: Sequence[Bar], name: str, width: int) -> str:
    """Bars, one a row; the name stands beside it where there is room, else above it."""
    beside = width >= WIDE // 2
    left = min(300.0, 14 + LETTER * max((len(row.name) for row in rows), default=0)) if beside else 0.0
    pitch = PITCH if beside else PITCH + 16
    room = 14 + LETTER * max((len(row.words) for row in rows), default=0)
    least = min((min(row.low, 0.0) for row in rows), default=0.0)
    most = max((max(row.high, 0.0) for row in rows), default=0.0)
    x0, x1 = left + (room if least < 0 else 0.0), width - (room if most > 0 else 4.0)
    scale = (x1 - x0) / ((most - least) or 1.0)
    zero = x0 - least * scale
    drawn = []
    for index, row in enumerate(rows):
        top = index * pitch + (4 if beside else 20)
        letters = int((left if beside else width) / LETTER)
        text = row.name if len(row.name) <= letters else f"{row.name[: max(1, letters - 1)]}…"
        drawn.append(label(0, top + 13 if beside else top - 6, text, "t strong"))
        drawn += _bar(row, zero, scale, top)
    height = len(rows) * pitch + 4
    drawn.append(line(zero, 0, zero, height, "axis"))
    return drawing(width, height, name, drawn)


def _bar(row: Bar, zero: float, scale: float, top: float) -> list[str]:
    ends = sorted((zero, zero + row.amount * scale))
    low, high = zero + row.low * scale, zero + row.high * scale
    middle = top + HEIGHT / 2
    drawn = [rect(ends[0], top, ends[1] - ends[0], HEIGHT, row.colour, f"{row.name}: {row.words}")]
    if high - low > 2:
        path = f"M{number(low)} {number(middle - 4)}V{number(middle + 4)}M{number(low)} {number(middle)}"
        path += f"H{number(high)}M{number(high)} {number(middle - 4)}V{number(middle + 4)}"
        drawn.append(element("path", d=path, class_="whisker"))
    if row.amount < 0:
        return [*drawn, label(min(ends[0], low) - 6, top + 13, row.words, "t", "end")]
    return [*drawn, label(max(ends[1], high) + 6, top + 13, row.words)]
