"""A live decision, explained offline: candidates, verdicts, order, reasons.

Owns: how it is shown to people, and as JSON. Not here: deciding (``gateway/deciding/decision``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.decision import cannot
from detente.gateway.deciding.routing_decision import RoutingDecision
from detente.gateway.surfaces.surface import Asked

WHY = {
    "prepaid": "prepaid capacity",
    "floor": "a commitment that would fall short",
    "credit": "a credit that would lapse",
    "share": "share of the plan",
    "preferred": "preferred by a clause",
    "price": "by price",
    "full": "its limit is reached",
}


def decision_json(decision: RoutingDecision, asked: Asked, at: datetime) -> dict[str, Any]:
    """One document."""
    unsayable = {
        c.deployed.id: said
        for c in decision.admission.permitted
        if (said := cannot(decision.surface, c, asked)) is not None
    }
    return {
        "answer": "yes" if served(decision, asked) else "no",
        "at": at.isoformat(),
        "workload": decision.request.workload,
        "labels": dict(decision.request.labels),
        "model": decision.request.model,
        "needs": sorted(decision.request.needs),
        "candidates": [_candidate(c, unsayable) for c in decision.admission.candidates],
        "order": [
            {"deployment": choice.candidate.deployed.id, "why": choice.why}
            | ({"clause": choice.clause} if choice.clause else {})
            for choice in decision.order.choices
            if choice.candidate.deployed.id not in unsayable
        ],
    }


def served(decision: RoutingDecision, asked: Asked) -> bool:
    """Whether anybody can serve it."""
    return any(cannot(decision.surface, choice.candidate, asked) is None for choice in decision.order.choices)


def _candidate(candidate: Candidate, unsayable: dict[str, str]) -> dict[str, Any]:
    name, reason = candidate.deployed.id, candidate.verdict.reason
    found: dict[str, Any] = {
        "deployment": name,
        "provider": candidate.deployed.offer.provider,
        "regions": [place["region"] for place in candidate.deployed.places],
        "verdict": candidate.verdict.permission,
        "clause": reason.term if reason else None,
        "why": reason.sentence if reason else None,
        "text": candidate.text or None,
    }
    if name in unsayable:
        found["cannot"] = unsayable[name]
    return found


def decision_view(decision: RoutingDecision, asked: Asked, at: datetime, console: Console) -> None:
    """For people: the answer first."""
    found = decision_json(decision, asked, at)
    first = found["order"][0]["deployment"] if found["order"] else None
    labels = ", ".join(f"{name}: {value}" for name, value in found["labels"].items()) or "no labels"
    console.print(f"It goes to {first}." if first else "No deployment may serve it.", style="bold")
    asks = f"{found['workload']} ({labels}) asks for {found['model']} on {at:%Y-%m-%d %H:%M} UTC"
    console.print(asks, style="dim", markup=False)
    if found["needs"]:
        console.print(f"and needs {', '.join(found['needs'])}", style="dim")
    table = Table(show_edge=False, pad_edge=False)
    for name in ("", "deployment", "where", "why"):
        table.add_column(name)
    place = {
        entry["deployment"]: (turn, WHY[entry["why"]] + (f": {entry['clause']}" if "clause" in entry else ""))
        for turn, entry in enumerate(found["order"], 1)
    }
    rows = sorted(found["candidates"], key=lambda c: place.get(c["deployment"], (10**6, ""))[0])
    for row in rows:
        turn = place.get(row["deployment"])
        where = f"{row['provider']}: {', '.join(row['regions'])}"
        if turn is not None:
            table.add_row(f"{turn[0]}.", row["deployment"], where, turn[1])
        elif "cannot" in row:
            table.add_row("no", row["deployment"], where, escape(row["cannot"]))
        else:
            table.add_row("no", row["deployment"], where, escape(f"{row['why']} [{row['clause']}]"))
    console.print(table)
    texts = {row["clause"]: row["text"] for row in found["candidates"] if row["text"]}
    for clause, text in texts.items():
        console.print(f"{clause}: {text}", style="dim", markup=False)
