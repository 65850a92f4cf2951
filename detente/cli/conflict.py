"""A conflict in place of an answer, and as JSON.

Owns: the members of that and their names. Not here: how it is shown to people (``report``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from detente.cli.command import console

if TYPE_CHECKING:
    from detente.results.conflict import Conflict, Given, Version


def conflict_json(found: Conflict | None) -> dict[str, Any]:
    """The clauses that collide, other facts, and what the clauses can give; empty lists where nothing collides."""
    from detente.values.quantity import plain

    if found is None:
        return {"conflict": [], "facts": [], "relaxation": [], "sought": True, "minimal": True}
    return {
        "conflict": [
            {**_version_json(c.version), "agreement": c.agreement, "text": c.text, "sentence": c.sentence}
            for c in found.clauses
        ],
        "facts": list(found.facts),
        "relaxation": [
            {
                **_version_json(r.version),
                "given": [_given_json(g) for g in r.given],
                "sentence": r.sentence,
                "cost": None if r.cost is None else plain(r.cost),
                "owed": plain(r.owed),
                "at-most": r.at_most,
                "dearer": None if (more := found.dearer(r)) is None else plain(more),
                "together": [version.term for version in r.together],
            }
            for r in found.relaxations
        ],
        "sought": found.sought,
        "minimal": found.minimal,
    }


def _given_json(given: Given) -> dict[str, Any]:
    from detente.values.period import endless
    from detente.values.quantity import plain

    windows = [
        {"start": start.isoformat(), "end": None if endless(end) else end.isoformat(), "amount": plain(amount)}
        for start, end, amount in given.windows
    ]
    return {"part": given.part, "amount": plain(given.amount), "unit": given.unit, "windows": windows}


def _version_json(version: Version) -> dict[str, Any]:
    """A clause, and from when until when it is in force as it is meant: one that was amended has several times."""
    from detente.values.period import endless

    end = None if endless(version.end) else version.end.isoformat()
    return {"term": version.term, "start": version.start.isoformat(), "end": end}


def show_conflict(found: Conflict, currency: str, as_json: bool) -> None:
    """A conflict in place of what was asked for."""
    if as_json:
        click.echo(json.dumps({"status": "conflict", **conflict_json(found)}, indent=1))
        return
    from detente.report.plans.conflict_view import conflict_view

    conflict_view(found, currency, console())
