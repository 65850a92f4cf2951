"""The keys of a case, and those made at run time, for people and for programs: never a key, nor its hash.

Owns: how they are told. Not here: the keys (``live/key``, ``ledger/store/key_store``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from detente.ledger.store.key_store import KeptKeys
from detente.live.key import Key
from detente.report.layout import Row, say, table, title
from detente.report.screen import Screen
from detente.values.quantity import plain

HEADS = ("key", "workload", "labels", "state", "expires", "may ask for", "counts towards", "budget of its own")
UNREAD = "cannot be read"
"""The state of a key that a newer program wrote."""


def keys_view(console: Screen, name: str, own: Sequence[Key], made: KeptKeys, now: datetime) -> None:
    """A line a key."""
    title(console, f"{name}: keys as of {now:%Y-%m-%d %H:%M} UTC", None, None)
    rows = [_row(key, _state(key, now)) for key in own] + [_row(each.key, each.state(now)) for each in made.made]
    rows += [(name, "–", "–", UNREAD, *["–"] * (len(HEADS) - 4)) for name in made.unread]
    if not rows:
        say(console, "no key opens anything; `detente keys create` makes one")
        return
    table(console, "Keys", HEADS, rows, most=len(rows))


def keys_json(own: Sequence[Key], made: KeptKeys, now: datetime) -> str:
    """The same as a document."""
    found = [{**_document(key), "state": _state(key, now), "in": "case"} for key in own]
    found += [
        {
            **_document(each.key),
            "state": each.state(now),
            "in": "ledger",
            "made": each.made.isoformat(),
            "changed": each.changed.isoformat(),
            "revoked": each.revoked.isoformat() if each.revoked is not None else None,
        }
        for each in made.made
    ]
    found += [_unread(name) for name in made.unread]
    return json.dumps({"as-of": now.isoformat(), "keys": found}, indent=2)


def _state(key: Key, now: datetime) -> str:
    """That of a key of the case."""
    return "expired" if key.expires is not None and now >= key.expires else "in the case"


def _row(key: Key, state: str) -> Row:
    labels = ", ".join(f"{name}={value}" for name, value in key.labels.items()) or "–"
    expires = "never" if key.expires is None else f"{key.expires:%Y-%m-%d %H:%M}"
    models = ", ".join(key.models or ()) or "all"
    return key.id, key.workload, labels, state, expires, models, key.within or "–", _budget(key) or "–"


def _budget(key: Key) -> str:
    if key.budget is None:
        return ""
    amounts = [f"{_amount(key, measure, limit)}" for measure, limit in key.budget.amounts]
    return ", ".join(amounts) + (f" each {key.budget.every}" if key.budget.every else "")


def _amount(key: Key, measure: str, limit: int) -> str:
    money = key.budget.money if key.budget is not None else None
    if measure == "money" and money is not None:
        return f"{plain(money.amount)} {money.currency}"
    return f"{limit:,} {measure.replace('-', ' ')}"


def _unread(name: str) -> dict[str, Any]:
    """As a document of any other: nobody knows what it says."""
    said = dict.fromkeys(("workload", "labels", "expires", "models", "within", "budget"))
    return {"id": name, **said, "state": UNREAD, "in": "ledger", "made": None, "changed": None, "revoked": None}


def _document(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "workload": key.workload,
        "labels": dict(key.labels),
        "expires": key.expires.isoformat() if key.expires is not None else None,
        "models": list(key.models) if key.models is not None else None,
        "within": key.within,
        "budget": _budget(key) or None,
    }
