"""What became of traffic that was replayed, for people and for programs.

Owns: how it is told. Not here: replaying (``gateway.replaying``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rich.console import Console

from detente.contract.settled.standing import Standing
from detente.gateway.replaying.budget_count import ReplayedBudget
from detente.gateway.replaying.replayed import ClauseEnd, Replayed, RoutedWork
from detente.report.layout import say, table, title
from detente.report.live.decision import WHY
from detente.report.numerals import compact, count, percent
from detente.values.money import CENT, NANOS, nano, shown
from detente.values.period import named
from detente.values.quantity import Exact, plain

MTOK = 10**6


def replayed_view(found: Replayed, by_price: Replayed | None, currency: str, console: Console) -> None:
    """For people: where calls went, what was denied, where clauses stand, what it cost."""
    title(console, f"{count(found.calls, 'call')}, {compact(found.tokens / MTOK)} Mtok", None, None)
    say(console, f"{found.start:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC", style="dim")
    _routes(found, currency, console)
    _denials(found, console)
    _budgets(found, console)
    _standings(found, currency, console)
    _costs(found, by_price, currency, console)
    for what in _unknown(found):
        say(console, what)


def _routes(found: Replayed, currency: str, console: Console) -> None:
    rows = []
    for each in found.routed:
        planned = found.planned_share(each.workload, each.offer)
        rows.append(
            [
                *(each.workload, each.deployment, f"{each.calls:,}", percent(found.share(each))),
                "–" if planned is None else percent(planned),
                shown(_money(each.net), currency),
                ", ".join(WHY.get(why, why) for why, _ in each.why.most_common(2)),
            ]
        )
    heads = ["workload", "deployment", "calls", "share", "planned", "after discounts", "why"]
    table(console, "Where calls went", heads, rows, right=(2, 3, 4, 5), most=40)
    if found.unplanned and found.planned:
        say(console, f"the plan says nothing of {count(found.unplanned, 'call')}", indent=2)


def _denials(found: Replayed, console: Console) -> None:
    refused = [[workload, what, f"{n:,}"] for (workload, what), n in sorted(found.refused.items())]
    table(console, "Calls that nobody may serve", ["workload", "for", "calls"], refused, right=(2,))
    kept = [[clause, f"{n:,}"] for clause, n in sorted(found.kept_off.items(), key=lambda each: -each[1])]
    table(console, "Calls kept from some deployment", ["by", "calls"], kept, right=(1,))


def _budgets(found: Replayed, console: Console) -> None:
    """Of each budget its fullest window. Calls at a time are never too many here."""
    counted = [each for each in found.budgets if not each.cap.comes_back]
    rows = [
        [
            *(each.cap.id, each.cap.details.get("of", ""), each.cap.details["measure"], each.cap.exact(each.limit)),
            *(each.when, each.cap.exact(each.used), f"{each.full:,} of {each.windows:,}", f"{each.kept_off:,}"),
        ]
        for each in counted
    ]
    heads = ["budget", "of", "counts", "allows", "fullest window", "used then", "windows short", "calls kept off"]
    table(console, "Budgets", heads, rows, right=(3, 5, 6, 7), most=40)
    if len(counted) < len(found.budgets):
        say(console, "calls at a time are not limited: each ends when it begins", indent=2)


def _standings(found: Replayed, currency: str, console: Console) -> None:
    rows = [_standing(each, stands, currency) for each in found.clauses for stands in each.standings if stands.amount]
    heads = ["clause", "window", "", "amount", "drawn", "owed", "if it ended now"]
    table(console, "Where clauses stand", heads, rows, right=(3, 4, 5, 6), most=24)
    if found.cut:
        what = f"what was used before {found.start:%Y-%m-%d %H:%M} is not replayed, and draws nothing of"
        say(console, f"{what} {', '.join(found.cut)}", indent=2)
    for each in found.clauses:
        if each.unknown:
            say(console, f"{each.term} cannot be settled: {each.unknown}", indent=2)


def _standing(each: ClauseEnd, stands: Standing, currency: str) -> list[str]:
    unit = each.units[stands.meter]
    amounts = [compact(amount) for amount in (stands.amount or Decimal(0), stands.drawn)]
    due = [shown(amount, currency) if amount else "" for amount in (stands.owed, stands.accruing)]
    return [each.term, named(stands.start, stands.end), stands.role, *(f"{a} {unit}".rstrip() for a in amounts), *due]


def _costs(found: Replayed, by_price: Replayed | None, currency: str, console: Console) -> None:
    lines = [("spent", "spent"), ("owed by clauses", "owed"), ("cost", "total"), ("if windows ended now", "accruing")]
    rows = []
    some = [found, by_price] if by_price is not None else [found]
    for said, name in lines:
        if name in ("owed", "accruing") and not any(getattr(each, name) for each in some):
            continue  # nothing is owed, on either side
        mine = getattr(found, name)
        row = [said, _cents(mine, currency)]
        if by_price is not None:
            other = getattr(by_price, name)
            row += [_cents(other, currency), _difference(mine - other, currency)]
        rows.append(row)
    heads = ["", "as steered", "by price alone", "difference"] if by_price is not None else ["", ""]
    table(console, "What it came to", heads, rows, right=(1, 2, 3) if by_price is not None else (1,))


def _cents(amount: Exact, currency: str) -> str:
    """To the cent; of less than one, what it is: a few calls are no ``0.00``."""
    return shown(amount, currency) if 0 < abs(amount) < CENT else f"{amount:,.2f} {currency}"


def _difference(amount: Exact, currency: str) -> str:
    if abs(amount) < CENT:
        return shown(amount, currency) if amount else "–"
    return f"{'+' if amount > 0 else '−'}{_cents(abs(amount), currency)}"


def _unknown(found: Replayed) -> Iterator[str]:
    for why, n in found.unknown.items():
        yield f"{count(n, 'use')} of unknown price, left out of every sum: {why}"


def replayed_json(found: Replayed, by_price: Replayed | None, currency: str) -> str:
    """The same as one document."""
    told = {"status": "refused" if found.refused else "served", "currency": currency} | _told(found)
    if by_price is not None:
        told["by_price"] = _told(by_price)
    return json.dumps(told)


def _told(found: Replayed) -> dict[str, Any]:
    return {
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "calls": found.calls,
        "tokens": found.tokens,
        "decisions": found.decisions,
        "routed": [_routed(found, each) for each in found.routed],
        "refused": [{"workload": w, "by": by, "calls": n} for (w, by), n in sorted(found.refused.items())],
        "kept_off": found.kept_off,
        "unplanned": found.unplanned,
        "unknown": found.unknown,
        "clauses": [_clause(each) for each in found.clauses],
        "budgets": [_budget(each) for each in found.budgets],
        "cut": list(found.cut),
    } | {name: plain(getattr(found, name)) for name in ("spent", "owed", "total", "accruing")}


def _routed(found: Replayed, each: RoutedWork) -> dict[str, Any]:
    planned = found.planned_share(each.workload, each.offer)
    return {
        "workload": each.workload,
        "deployment": each.deployment,
        "offer": each.offer,
        "provider": each.provider,
        "calls": each.calls,
        "tokens": each.tokens,
        "share": round(found.share(each), 9),
        "planned": None if planned is None else round(planned, 9),
        "listed": plain(_money(each.listed)),
        "net": plain(_money(each.net)),
        "why": dict(each.why),
    }


def _clause(each: ClauseEnd) -> dict[str, Any]:
    return {
        "clause": each.term,
        "with": each.counterparty,
        "owed": plain(each.owed),
        "accruing": plain(each.accruing),
        "unknown": each.unknown or None,
        "windows": [_window(stands) for stands in each.standings],
    }


def _budget(each: ReplayedBudget) -> dict[str, Any]:
    return {
        "budget": each.cap.id,
        **each.cap.details,
        "allows": each.cap.exact(each.limit),
        "windows": each.windows,
        "short": each.full,
        "kept_off": each.kept_off,
        "fullest": {"start": each.start.isoformat(), "end": each.end.isoformat(), "used": each.cap.exact(each.used)},
    }


def _window(stands: Standing) -> dict[str, Any]:
    return {
        "role": stands.role,
        "unit": stands.unit,
        "start": stands.start.isoformat(),
        "end": stands.end.isoformat(),
        "ended": stands.ended,
        "amount": None if stands.amount is None else plain(stands.amount),
        **{name: plain(getattr(stands, name)) for name in ("drawn", "brought", "carried", "short", "owed", "accruing")},
    }


def _money(nanos: int) -> Exact:
    return nano(Fraction(nanos, NANOS))
