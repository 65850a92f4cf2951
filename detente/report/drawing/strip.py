"""The strip of an offer: what of its capacity is used, on standby, paid for and idle, and free, as SVG.

Owns: this one drawing and its sums. Not here: how capacity is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from detente.report.drawing.axis import Dates, Values
from detente.report.drawing.chart import LEFT
from detente.report.drawing.svg import drawing, element, label, line, steps, title
from detente.report.numerals import percent
from detente.report.timeline import Timeline
from detente.results.plan_rows import CapacityRow

VISIBLE = Decimal("0.0005")
"""Smaller parts than this are not spoken of."""


@dataclass(frozen=True, slots=True)
class Room:
    """An offer's capacity, as parts of the whole that there is over the plan (or is used, where there is no limit)."""

    offer: str
    provider: str
    rows: tuple[CapacityRow, ...]
    limited: bool
    used: Decimal
    standby: Decimal
    idle: Decimal
    free: Decimal

    @property
    def words(self) -> str:
        """``71% used, 12% on standby, 3% idle, 14% free``."""
        parts = [(self.used, "used"), (self.standby, "on standby"), (self.idle, "paid for and idle")]
        parts += [(self.free, "free")] if self.limited else []
        text = ", ".join(f"{percent(part)} {word}" for part, word in parts if part >= VISIBLE) or "not used"
        return text if self.limited else f"{text}; no limit stated"


def rooms(rows: Sequence[CapacityRow]) -> list[Room]:
    """By offer, in the plan's order."""
    groups: dict[str, list[CapacityRow]] = {}
    for row in rows:
        groups.setdefault(row.offer, []).append(row)
    return [_room(offer, tuple(group)) for offer, group in groups.items()]


def _layers(row: CapacityRow) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Used, standby, idle and free, which do not overlap: standby sits on what is bought first."""
    idle = max(Decimal(0), row.bought - row.used - row.standby)
    held = row.used + row.standby + idle
    return row.used, row.standby, idle, max(Decimal(0), row.limit - held) if row.limit is not None else Decimal(0)


def _room(offer: str, rows: tuple[CapacityRow, ...]) -> Room:
    parts = [sum(column, Decimal(0)) for column in zip(*map(_layers, rows), strict=True)]
    whole = sum(parts, Decimal(0)) or Decimal(1)
    limited = all(r.limit is not None for r in rows)
    used, standby, idle, free = (p / whole for p in parts)
    return Room(offer, rows[0].provider, rows, limited, used, standby, idle, free)


def strip(room: Room, timeline: Timeline, colour: str, name: str, width: int, height: int = 86) -> str:
    """Steps over time, as parts of the most capacity that there ever is."""
    if not timeline.buckets:
        return drawing(width, 40, name, [label(4, 24, "no periods")])
    layers = [
        timeline.rates([(r.period, _layers(r)[index]) for r in room.rows]) for index in range(4 if room.limited else 3)
    ]
    tops = [[0.0] * len(timeline.buckets)]
    for layer in layers:
        tops.append([a + b for a, b in zip(tops[-1], layer, strict=True)])
    values = Values(max(tops[-1], default=0.0) or 1.0, (), height - 24, 6)
    dates = Dates.over(timeline.buckets, LEFT, width - 6)
    xs = dates.edges(timeline.buckets)
    drawn = [label(LEFT - 6, 14, "100%", "t", "end"), label(LEFT - 6, height - 24, "0", "t", "end")]
    classes = (f"area {colour}", f"area {colour} standby", "area idle", "area free")
    for index, word in enumerate(("used", "on standby", "paid for and idle", "free")[: len(layers)]):
        if any(layers[index]):
            bottom, top = ([values.y(v) for v in tops[index + k]] for k in (0, 1))
            drawn.append(element("path", title(word), d=steps(xs, top, bottom), class_=classes[index]))
    drawn.append(line(LEFT, height - 24, width - 6, height - 24, "axis"))
    return drawing(width, height, name, [*drawn, *dates.draw(height - 24)])
