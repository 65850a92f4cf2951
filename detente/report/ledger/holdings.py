"""Who holds leases, for people and for programs.

Owns: how it is told. Not here: what it is (``ledger.caps.holdings``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detente.ledger.caps.holdings import Holding
from detente.report.layout import Row, say, table
from detente.report.screen import Screen

HEADS = ("holder", "worker", "last call on the books", "of", "leased")


def holdings_view(console: Screen, found: Sequence[Holding]) -> None:
    """A line for each cap of each holder."""
    rows = [row for each in found for row in _rows(each)]
    if rows:
        table(console, "Leases", HEADS, rows, right=(1, 4), most=len(rows))
    else:
        say(console, "nobody holds leases")


def _rows(each: Holding) -> Iterator[Row]:
    last = "none" if each.last is None else f"{each.last:%Y-%m-%d %H:%M} UTC"
    head = each.holder, str(each.worker), last
    yield from ((*head, cap.id, cap.exact(amount)) for cap, amount in each.leased)
    if not each.leased:
        yield (*head, "nothing", "")


def plain_holding(each: Holding) -> dict[str, object]:
    """A holder as values of JSON."""
    last = None if each.last is None else each.last.isoformat()
    leased = [{"id": cap.id, **cap.details, "leased": cap.exact(amount)} for cap, amount in each.leased]
    return {"holder": each.holder, "worker": each.worker, "last_call": last, "leased": leased}
