"""Every number on a page, and whether it is a figure that can be asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

from detente.report.figures.addressed import SavedFigures, figure_explained
from detente.report.figures.figure import NamedFigure, Rule
from detente.report.numerals import compact, exact, percent, plural, price, quantity
from detente.report.outcomes.outcomes import chance
from detente.report.outcomes.simulation import nines
from detente.report.plans.explanation import Explanation
from detente.results.plan import Plan
from detente.values.money import shown
from tests.builders import D
from tests.report.read_page import VOID

NUMBER = re.compile(
    r"(?<![\w.#-])(?:"
    r"\d[\d,]*(?:\.\d+)?(?: (?:k|M|bn)\b)?(?: (?:USD|EUR)(?: per [\w-]+)?\b|%| (?:GPU-hours?|Mtok|GPUs?)\b)"
    r"|(?:\d[\d,]*\.\d+|\d{1,3}(?:,\d{3})+)\b(?: (?:k|M|bn)\b)?)"
)
"""Money, prices, percentages, amounts of work, and whatever else has a fraction or thousands."""
LABELS = {"section-note", "clause", "cut", "csv"}
"""Classes of what is explained in words, or said by the case."""
ASIDE = {"style", "nav", "header", "footer", "svg", "blockquote", "title"}


class _Figures(HTMLParser):
    """What a page says: without notes, clauses, pictures, names of rows, and the list of figures."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._out = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        aside = tag in ASIDE or found.get("id") == "figures" or found.get("scope") == "row"
        if tag not in VOID and (self._out or aside or LABELS & set((found.get("class") or "").split())):
            self._out += 1
        self.words.append("" if tag == "code" else " ")

    def handle_endtag(self, tag: str) -> None:
        if self._out and tag not in VOID:
            self._out -= 1
        self.words.append("" if tag == "code" else " ")

    def handle_data(self, data: str) -> None:
        if not self._out:
            self.words.append(data)


def numbers(page: str, besides: Iterable[str] = ()) -> list[str]:
    """What a page shows of these; what the case says (``besides``) is left out."""
    text = " ".join("".join(_Figures(page).words).split())
    for said in besides:
        text = text.replace(" ".join(said.replace("`", "").split()), " ")
    return NUMBER.findall(text)


def ways_to_write(figure: NamedFigure) -> Iterator[str]:
    """How a figure may stand on a page, without its sign."""
    if isinstance(figure.value, str):
        yield figure.value
        return
    value = abs(figure.value)
    if figure.unit == "of 1":
        yield from (percent(value), chance(value), f"{compact(value * 100)}%")
        yield from [nines(value)] if value <= 1 else []
    else:
        yield from (shown(value, figure.unit, digits) for digits in (3, 4, 5))
        yield from (quantity(value, figure.unit), exact(value, plural(figure.unit)))
        yield f"{price(value)} {figure.unit}".rstrip()
        yield f"{price(value)} {figure.unit.partition(' per ')[0]}"
        yield from (price(value), compact(value))  # the unit stands at the head of a table, or behind a range
        yield from (shown(value, "", digits).strip() for digits in (3, 4, 5))
    if not figure.unit:
        yield from [f"{value:,.1f}"]  # times
    if {"bill", "cost"} & set(figure.address.split("/")):  # cents that add up
        yield from (f"{value + D(cent) / 100:,.2f}" for cent in (-1, 0, 1))


def assert_all_asked(
    page: str, figures: Iterable[NamedFigure], besides: Iterable[str] = (), *, listed: bool = True
) -> None:
    """Every number on a page is a figure, every figure is told, and its rule makes it of what goes into it."""
    known = list(figures)
    by_address = {each.address: each for each in known}
    assert len(by_address) == len(known), "two figures have one address"
    written = {text.lstrip("<>") for each in known for text in ways_to_write(each)}
    missing = [number for number in numbers(page, besides) if number not in written]
    assert not missing, f"no figure for {missing}"
    answer = SavedFigures(Path("answer.json"), None, by_address)
    for each in known:
        told = figure_explained([answer], each.address)
        assert isinstance(told, Explanation)
        assert each.address in page or not listed
        assert told.headline.startswith(f"`{each.address}`: ")
        made = worked_out(each)
        if made is not None:
            assert abs(made - Fraction(Decimal(each.value))) <= Fraction(1, 10**6), each.address
        for operand in each.operands:
            if operand.address:
                assert by_address[operand.address].value == operand.value, (each.address, operand.address)


MADE: dict[Rule, Callable[[Sequence[Fraction]], Fraction]] = {
    "difference": lambda v: v[0] - v[1],
    "sum": lambda v: sum(v, Fraction(0)),
    "product": lambda v: v[0] * v[1],
    "ratio": lambda v: v[0] / v[1],
    "largest": max,
    "smallest": min,
    "squares": lambda v: sum(((100 * x) ** 2 for x in v), Fraction(0)),
    "half": lambda v: (v[0] - v[1]) / 2,
    "crossing": lambda v: (v[2] - v[0]) / ((v[1] - v[0]) - (v[3] - v[2])),
}
"""What each rule but a mean comes to, by its words."""


def worked_out(figure: NamedFigure) -> Fraction | None:
    """What the words of a figure's rule make of its operands; None where it has no rule."""
    if figure.rule is None:
        return None
    values = [Fraction(each.value) for each in figure.operands]
    if figure.rule == "mean":
        weights = [Fraction(each.weight or 0) for each in figure.operands]
        return sum((w * v for w, v in zip(weights, values, strict=True)), Fraction(0)) / sum(weights)
    return MADE[figure.rule](values)


def said_in(plan: Plan) -> list[str]:
    """What the case says, and a plan repeats: clauses as planned, and the reasons of decisions."""
    reasons = [reason.sentence for decision in plan.decisions for reason in decision.reasons]
    return [*(clause.sentence for clause in plan.clauses), *dict.fromkeys(reasons)]
