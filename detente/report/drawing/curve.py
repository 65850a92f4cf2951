"""A cost over a number: one line through points, and level lines beside it.

Owns: drawing it as SVG. Not here: what it means. The axis of money need not begin at nothing: differences are what
is read, and it says where it begins. Coordinates are floats: every number stands exact in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, log10

from detente.report.drawing.svg import drawing, element, label, line, number, title
from detente.report.numerals import compact, tick

LEFT, RIGHT, TOP, BOTTOM = 64, 12, 22, 36
"""Room around the lines, in px."""

Points = Sequence[tuple[float, float]]


def curve(
    points: Points, others: Sequence[tuple[str, float]], name: str, money: str, unit: str, width: int, height: int = 260
) -> str:
    """Points joined by straight lines.

    Parameters
    ----------
    points
        ClauseNumber and cost, by number.
    others
        A name and a cost each: level lines to compare with.
    money, unit
        What stands over the axes.
    """
    if not points:
        return drawing(width, 40, name, [label(4, 24, "no plan at any of these values")])
    ys = ticks(
        min([y for _, y in points] + [y for _, y in others]), max([y for _, y in points] + [y for _, y in others])
    )
    xs = ticks(points[0][0], points[-1][0], 5, inside=True)
    x = _scaled(points[0][0], points[-1][0], LEFT, width - RIGHT)
    y = _scaled(ys[0], ys[-1], height - BOTTOM, TOP)
    drawn = [label(0, 11, money), label(width - RIGHT, height - 4, unit, "t", "end")]
    for value in ys:
        drawn += [
            line(LEFT, y(value), width - RIGHT, y(value), "grid"),
            label(LEFT - 6, y(value) + 4, tick(value), "t", "end"),
        ]
    for value in xs:
        drawn += [
            line(x(value), y(ys[0]), x(value), y(ys[0]) + 4, "axis"),
            label(x(value), height - BOTTOM + 17, tick(value), "t", "middle"),
        ]
    for index, (text, cost) in enumerate(others, 1):
        path = f"M{LEFT} {number(y(cost))}H{number(width - RIGHT)}"
        drawn.append(element("path", title(f"{text}: {compact(cost)}"), d=path, class_=f"run p{index}"))
        drawn.append(label(LEFT + 6, y(cost) - 5, text))
    path = "M" + "L".join(f"{number(x(a))} {number(y(b))}" for a, b in points)
    drawn.append(element("path", d=path, class_="run p0"))
    drawn += [
        element("circle", title(f"{compact(a)}: {compact(b)}"), cx=x(a), cy=y(b), r=3.5, class_="spot")
        for a, b in points
    ]
    return drawing(width, height, name, drawn)


def ticks(low: float, high: float, wanted: int = 4, *, inside: bool = False) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten) about a range, or inside of it."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / wanted))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= span / wanted * (1 - 1e-9))
    first, last = (
        (ceil(low / step - 1e-9), floor(high / step + 1e-9)) if inside else (floor(low / step), ceil(high / step))
    )
    if first == last and not inside:
        last += 1
    return [step * index for index in range(first, last + 1)] or [low]


def _scaled(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """From a value to a place."""
    span = (high - low) or 1.0
    return lambda value: start + (end - start) * (value - low) / span
