"""The chart of a commitment: what each window requires, what reaches it, and what is short, as SVG.

Owns: this one drawing. Not here: how spend is counted (the clause's ``settle``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from detente.contract.settled.standing import Standing
from detente.report.drawing.axis import Values
from detente.report.drawing.chart import LEFT
from detente.report.drawing.svg import drawing, label, line, rect
from detente.values.money import shown
from detente.values.period import named

MAX_WINDOWS = 150
"""More windows than this are drawn by the calendar year."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A window as it is drawn."""

    name: str
    short_name: str
    required: Decimal
    spend: Decimal
    brought: Decimal
    carried: Decimal
    short: Decimal
    planned: Decimal | None = None


def burndown(
    windows: Sequence[Standing],
    colour: str,
    name: str,
    currency: str,
    width: int,
    height: int = 200,
    planned: Sequence[Decimal | None] = (),
) -> str:
    """Bars of spend by window, what was carried into it on top, against the floor, with the shortfall outlined.

    Parameters
    ----------
    windows
        Of one commitment, in time order.
    colour
        The provider's colour class.
    name
        What the drawing shows, for those who do not see it.
    planned
        What a plan draws in each window, as a dashed line; None where that is not known.
    """
    slots = _slots(windows, planned or [None] * len(windows))
    if not slots:
        return drawing(width, 40, name, [label(4, 24, "no windows")])
    largest = max(float(max(s.required, s.spend + s.brought, s.planned or 0)) for s in slots)
    values = Values.upto(largest, height - 24, 32)
    right = width - 6
    pitch = (right - LEFT) / len(slots)
    side = min(pitch * 0.14, 12.0) if len(slots) <= 60 else 0.0
    every = max(1, -(-int(max(len(s.short_name) for s in slots) * 7 + 6) // max(1, int(pitch))))
    drawn = [label(0, 11, f"{currency} in each window, by its first month"), *values.draw(LEFT, right)]
    worst = max(slots, key=lambda s: s.short)
    for index, slot in enumerate(slots):
        x = LEFT + index * pitch
        drawn += _bar(slot, x + side, pitch - 2 * side, colour, currency, values)
        if index % every == 0:
            drawn.append(label(x + pitch / 2, height - 7, slot.short_name, "t", "middle"))
        words = f"{shown(slot.short)} short"
        fits = pitch > 7 * len(words)
        if slot.short and (fits or slot is worst):
            middle = min(max(x + pitch / 2, LEFT + 3.6 * len(words)), right - 3.6 * len(words))
            drawn.append(label(middle, values.y(float(slot.required)) - 6, words, "t bad", "middle"))
    return drawing(width, height, name, drawn)


def _bar(slot: Slot, x: float, width: float, colour: str, currency: str, values: Values) -> list[str]:
    spend, reached, floor = (values.y(float(v)) for v in (slot.spend, slot.spend + slot.brought, slot.required))
    drawn = [rect(x, spend, width, values.y0 - spend, colour)]
    if slot.brought > 0:
        drawn.append(rect(x, reached, width, spend - reached, f"{colour} brought"))
    if slot.short:
        drawn.append(rect(x, floor, width, reached - floor, "short"))
    if slot.required:
        drawn.append(line(x - 2, floor, x + width + 2, floor, "floor"))
    if slot.planned is not None:
        path = values.y(float(slot.planned))
        drawn.append(line(x - 2, path, x + width + 2, path, "planned"))
    drawn.append(rect(x, values.y1, width, values.y0 - values.y1, "tip", _tip(slot, currency)))
    return drawn


def _tip(slot: Slot, currency: str) -> str:
    lines = [slot.name, f"required: {shown(slot.required, currency)}", f"spent: {shown(slot.spend, currency)}"]
    lines += [f"planned: {shown(slot.planned, currency)}"] if slot.planned is not None else []
    lines += _over(slot.brought, "carried in", "deferred from before", currency)
    lines += _over(slot.carried, "carried over", "deferred to the next", currency)
    deferred = [] if slot.carried < 0 else ["met"]
    lines += [f"short: {shown(slot.short, currency)}"] if slot.short else deferred
    return "\n".join(lines)


def _over(amount: Decimal, excess: str, shortfall: str, currency: str) -> list[str]:
    """What comes over from a window, or goes on to one: an excess, or (less than nothing) a shortfall."""
    return [f"{excess if amount > 0 else shortfall}: {shown(abs(amount), currency)}"] if amount else []


def _slots(windows: Sequence[Standing], planned: Sequence[Decimal | None]) -> list[Slot]:
    groups: dict[object, list[int]] = {}
    for index, window in enumerate(windows):
        groups.setdefault(window.start.year if len(windows) > MAX_WINDOWS else index, []).append(index)
    return [_slot([windows[i] for i in each], [planned[i] for i in each]) for each in groups.values()]


def _slot(rows: Sequence[Standing], planned: Sequence[Decimal | None]) -> Slot:
    first, last = rows[0], rows[-1]
    name = named(first.start, last.end)
    day = first.start
    return Slot(
        name,
        name if len(name) <= 8 else f"{day:%Y-%m}",
        sum((w.required for w in rows), Decimal(0)),
        sum((w.drawn for w in rows), Decimal(0)),
        first.brought,
        last.carried,
        sum((w.short for w in rows if w.missed), Decimal(0)),
        None if None in planned else sum((each for each in planned if each is not None), Decimal(0)),
    )
