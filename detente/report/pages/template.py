"""What every page is filled in with: the templates, and what they call numbers, dates and names by.

Owns: the environment of the templates, and the last touch to a page. Not here: what stands on any page.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from detente.errors import HIDDEN, printable
from detente.report import numerals, timeline
from detente.report.csv import with_downloads
from detente.report.plans.conflict_view import MORE, NOT_NAMED, no_way_out
from detente.report.plans.implication import priced_exactly
from detente.values.money import CENT, shown
from detente.values.period import named
from detente.values.quantity import in_percent

MAX_UNBROKEN = 28
"""Characters of an id that fit on a line of a phone."""


def page(template: str, **given: Any) -> str:
    """The page that a template makes of what it is given."""
    return finished(environment().get_template(template).render(given))


def finished(text: str) -> str:
    """The page with a link beside each table, and nothing in it that no reader sees."""
    text = with_downloads(re.sub(r"\n\s*\n+", "\n", text))
    return HIDDEN.sub(lambda hidden: printable(hidden[0]), text)


@cache
def environment() -> Environment:
    """The templates, escaped by default, with what they call numbers and dates by."""
    found = Environment(
        loader=PackageLoader("detente.report.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {
        "money": money,
        "no_way_out": no_way_out,
        "or_dash": or_dash,
        "work": work,
        "percent": lambda part: Markup('<span class="n">{}</span>').format(numerals.percent(part)),
        "ticks": ticks,
        "codes": lambda names: ticks(numerals.ticked(names)),
        "plural": numerals.plural,
        "exact": numerals.exact,
        "price": numerals.price,
        "priced_exactly": priced_exactly,
        "signed": numerals.signed,
        "count": numerals.count,
        "listed": numerals.listed,
        "drawing": Markup,
        "groupby_order": lambda rows: [(name, list(group)) for name, group in groupby(rows, lambda r: r.group)],
    }
    found.globals |= {
        "money_cell": money,
        "part_cell": part_of_all,
        "named": named,
        "horizon": timeline.horizon,
        "cent": CENT,
        "more_ways": MORE,
        "not_named": NOT_NAMED,
    }
    return found


def money(amount: Decimal, currency: str, digits: int = 3) -> Markup:
    """Rounded for the eye, exact on hovering."""
    return Markup('<span class="n" title="{}">{}</span>').format(
        numerals.exact(amount, currency), shown(amount, currency, digits)
    )


def part_of_all(value: Decimal) -> Markup:
    """A share, rounded for the eye, exact on hovering."""
    return Markup('<span class="n" title="{}">{}</span>').format(in_percent(value), numerals.percent(value))


def or_dash(amount: Decimal, currency: str) -> Markup:
    """``money``, and a dash for nothing: in tables where most cells are empty."""
    return money(amount, currency) if amount else Markup('<span class="soft" title="0 {}">–</span>').format(currency)


def work(value: Decimal, unit: str) -> Markup:
    """Work, rounded for the eye, exact on hovering."""
    return Markup('<span class="n" title="{}">{}</span>').format(
        numerals.exact(value, numerals.plural(unit)), numerals.quantity(value, unit)
    )


def ticks(text: str) -> Markup:
    """Escaped, with what stands in backticks as code; a short id stays on one line."""

    def code(found: re.Match[str]) -> str:
        kind = ' class="id"' if len(found[1]) <= MAX_UNBROKEN else ""
        return f"<code{kind}>{found[1]}</code>"

    return Markup(re.sub(r"`([^`]+)`", code, str(escape(text))))
