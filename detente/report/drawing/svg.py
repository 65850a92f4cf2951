"""SVG, element by element: escaped, with short numbers.

Owns: writing elements, and a drawing at two widths. Not here: what is drawn (``chart``, ``burndown``, ``strip``).

Colours are classes (``c0`` … ``c7``, ``cx``); the page's style sheet says what they are, so that a dark
page or a print changes them. Nothing here needs an id, so a drawing may stand in a page any number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

WIDE, HALF, NARROW = 960, 470, 350
"""Widths in px that drawings are made for: the page's, one of two columns, a phone's."""

COLOURS = 8
"""Colours that can be told apart; what comes after shares one."""


def element(name: str, *children: str, **attributes: str | float | None) -> str:
    """``<name a="…">…</name>``; ``class_`` is ``class``, ``stroke_width`` is ``stroke-width``, None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def _value(value: str | float) -> str:
    return escape(value, quote=True) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """To a tenth of a pixel."""
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")


def title(text: str) -> str:
    """What a browser shows on hovering."""
    return element("title", escape(text))


def label(x: float, y: float, text: str, class_: str = "t", anchor: str | None = None) -> str:
    """A line of text; ``anchor`` is ``middle`` or ``end``."""
    return element("text", escape(text), x=x, y=y, class_=class_, text_anchor=anchor)


def rect(x: float, y: float, width: float, height: float, class_: str, tip: str = "") -> str:
    """A rectangle, with a tooltip."""
    children = [title(tip)] if tip else []
    return element("rect", *children, x=x, y=y, width=max(width, 0.0), height=max(height, 0.0), class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return element("path", d=f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}", class_=class_)


def drawing(width: float, height: float, name: str, children: Iterable[str]) -> str:
    """A whole drawing, named for those who do not see it. It scales with its place."""
    body = [title(name), *children]
    return element("svg", *body, viewBox=f"0 0 {number(width)} {number(height)}", role="img", aria_label=name)


def alone(drawn: str, style: str) -> str:
    """A drawing as a document of its own, with the style sheet that says what its classes are."""
    inside = f'<svg xmlns="http://www.w3.org/2000/svg"><style>{escape(style, quote=False)}</style>'
    before, _, rest = drawn.partition(">")
    return inside.replace("<svg ", f"{before} ", 1) + rest


def both(draw: Callable[[int], str], wide: int = WIDE) -> str:
    """A drawing for a wide page and one for a phone; the style sheet shows the one that fits."""
    return f'<div class="wide">{draw(wide)}</div><div class="narrow">{draw(NARROW)}</div>'


def steps(xs: Sequence[float], top: Sequence[float], bottom: Sequence[float]) -> str:
    """The path of an area between two step lines; ``xs`` has one more than the steps. Equal steps are joined."""
    upper, lower = _step_points(xs, top), _step_points(xs, bottom)
    points = [*upper, *reversed(lower)]
    path, (x, y) = f"M{number(points[0][0])} {number(points[0][1])}", points[0]
    for next_x, next_y in points[1:]:
        path += f"H{number(next_x)}" if next_x != x else ""
        path += f"V{number(next_y)}" if next_y != y else ""
        x, y = next_x, next_y
    return f"{path}Z"


def _step_points(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for index, y in enumerate(ys):
        if points and abs(points[-1][1] - y) < 0.05:
            points[-1] = (xs[index + 1], points[-1][1])
        else:
            points += [(xs[index], y), (xs[index + 1], y)]
    return points
