"""A dossier as one document of JSON, written as it is read: what it holds in memory is one batch.

Owns: its form. Not here: what belongs to it (``ledger.proof.dossier``).
"""

from __future__ import annotations

import json
from collections.abc import Callable

from detente.ledger.proof.dossier import ComesTo, Dossier
from detente.report.ledger.standing import plain_clause
from detente.values.money import of_nanos
from detente.values.quantity import plain

Write = Callable[[str], object]


def write_dossier(dossier: Dossier, write: Write) -> None:
    """Write all of it: what was asked, the clauses and prices, each batch with its rows, and what they come to."""
    write("{\n")
    for name, value in dossier.head().items():
        _member(name, json.dumps(value), write)
    write('"batches": [')
    for n, batch in enumerate(dossier.batches()):
        write(f"{',' if n else ''}\n{json.dumps(batch)}")
    write("],\n")
    _member("standings", json.dumps([plain_clause(each) for each in dossier.stands()]), write)
    _member("comes-to", json.dumps(_plain(dossier.comes_to)), write)
    write(f'"holds": {json.dumps(dossier.holds)}\n}}\n')


def _member(name: str, value: str, write: Write) -> None:
    write(f'"{name}": {value},\n')


def _plain(found: ComesTo) -> dict[str, object]:
    """Counts, and amounts in the currency, exact, as text."""
    amounts = {"listed": found.listed, "net": found.net, "off": found.off}
    told = {name: {key: plain(of_nanos(n)) for key, n in sorted(each.items())} for name, each in amounts.items()}
    return {"calls": found.calls, "lines": found.lines, "unknown": found.unknown, **told}
