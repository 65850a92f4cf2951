"""Scales: what one side would lose to the left, what the other would lose to the right, row by row.

Owns: drawing them as SVG. Not here: what they mean. Coordinates are floats: every amount stands exact in a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detente.report.drawing.svg import WIDE, drawing, label, line, rect

PITCH, HEIGHT = 54, 20
"""Px from row to row, and of a bar."""

LETTER = 7.0
"""Px of a letter, about."""


@dataclass(frozen=True, slots=True)
class ScaleRow:
    """One row: a name, two amounts of 0 or more with what is written beside each, and who weighs more.

    ``boundless`` says that the right side has no amount: it reaches to the edge.
    """

    name: str
    left: float
    right: float
    left_words: str
    right_words: str
    verdict: str
    colour: str
    boundless: bool = False


def scales(rows: Sequence[ScaleRow], left_head: str, right_head: str, name: str, width: int) -> str:
    """Bars to both sides of a line in the middle, one row each, all in one measure."""
    middle = width / 2
    most = max((max(row.left, row.right) for row in rows), default=0.0) or 1.0
    size = "t" if width >= WIDE // 2 else "t small"
    reach = middle - 8
    drawn = [label(middle - 10, 14, left_head, "t strong", "end"), label(middle + 10, 14, right_head, "t strong")]
    for index, row in enumerate(rows):
        top = 44 + index * PITCH
        drawn.append(label(middle, top - 6, f"{row.name}: {row.verdict}", "t strong", "middle"))
        left = reach * row.left / most
        right = reach if row.boundless else reach * row.right / most
        drawn.append(rect(middle - left, top, left, HEIGHT, "theirs", f"{row.name} loses {row.left_words}"))
        drawn.append(rect(middle, top, right, HEIGHT, row.colour, f"losing {row.name} costs {row.right_words}"))
        drawn += [
            _words(middle, -1, left, row.left_words, top, size),
            _words(middle, 1, right, row.right_words, top, size),
        ]
        drawn.append(line(middle, top - 2, middle, top + HEIGHT + 2, "axis"))
    return drawing(width, 44 + len(rows) * PITCH, name, drawn)


def _words(middle: float, side: int, size: float, words: str, top: float, class_: str) -> str:
    """Beside a bar where there is room outside of it, else inside."""
    room = middle - size - 10
    outside = room >= LETTER * len(words)
    x = middle + side * (size + 6 if outside else 6)
    class_ = class_ if outside else f"{class_} on"
    return label(x, top + 14.5, words, class_, "end" if side < 0 else None)
