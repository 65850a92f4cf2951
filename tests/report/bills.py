"""Reading a bill back, off the terminal and off the page, and adding it up."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from decimal import Decimal

from rich.console import Console

from detente.report.pages.plans_page import render
from detente.report.plans.terminal import plan_view
from detente.results.plan import Plan
from tests.report.read_page import Page

MONEY = re.compile(r"-?[\d,]+\.\d\d")


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def terminal(plan: Plan) -> str:
    out = io.StringIO()
    plan_view(plan, Console(file=out, width=100, highlight=False))
    return out.getvalue().partition("\nThe bill")[2].partition("\n\n")[0]


def in_terminal(plan: Plan) -> list[tuple[str, Decimal]]:
    """What each line begins with, and its amount, as somebody reads them off the screen."""
    lines = terminal(plan).splitlines()[1:]
    return [(line.strip(), amount(line.split()[-1])) for line in lines if MONEY.fullmatch(line.split()[-1])]


def in_page(plan: Plan) -> list[tuple[str, Decimal]]:
    table = render([plan]).partition('<table class="bill">')[2].partition("</table>")[0]
    rows = table.partition("<tbody>")[2].split("</tr>")
    words = [Page(f"<table><tbody>{row}</tr></tbody></table>").text for row in rows if "<tr" in row]
    kinds = ["= " if 'class="total"' in row or 'class="subtotal"' in row else "" for row in rows]
    return [(kind + text, amount(text.split()[-1])) for kind, text in zip(kinds, words, strict=False)]


def assert_adds_up(rows: Iterable[tuple[str, Decimal]], plan: Plan) -> None:
    total, seen = Decimal(0), []
    for text, cents in rows:
        if text.startswith("= "):
            assert cents == total, text
            seen.append(cents)
        else:
            total += cents
    assert (seen[-1] if seen else total) == round(plan.cost, 2) or abs(plan.cost) < Decimal("0.005")
