"""Hostile budgets, bills and their mappings, and turns that the gateway keeps: kinds of ``tests.fuzz``."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from detente.case.case import Case
from detente.case.document import Document
from detente.errors import HIDDEN, CaseError, FlawError
from detente.gateway.serving.call.kept_turns import KeptTurns
from detente.gateway.surfaces import responses_kept as kept
from detente.gateway.surfaces.responses import ResponsesSurface
from detente.gateway.surfaces.responses_request import as_chat
from detente.gateway.surfaces.surface import KeptTurn
from detente.ledger.bills.bill_currency import BillCurrencies
from detente.ledger.bills.bill_mapping import BillMapping, read_mapping
from detente.ledger.bills.bill_rows import BadRow, BillReader, BillRow
from detente.ledger.bills.like_rows import LikeRows
from detente.live.serving import KeptResponses
from detente.providers.wire import Refusal
from tests.edits import edit, edit_bytes
from tests.gateway.http.peer import run
from tests.ledger.served import served_case

EVERYTHING = (Path(__file__).parent / "everything.yaml").read_text(encoding="utf-8")
BOUNDS = KeptResponses(count=10, bytes=100_000, age="1 hour")  # type: ignore[arg-type]  # as a case writes it

MAPPING: dict[str, Any] = {
    "format": "focus",
    "zone": "Europe/Berlin",
    "columns": {"net": "BilledCost"},
    "rules": [
        {"where": {"ChargeCategory": ["Tax", "Credit*"]}, "skip": True},
        {"where": {"ServiceName": "m in"}, "offer": "north-api", "workload": "chat", "tokens": "input", "per": 1000},
        {"where": {"ServiceName": "Stor?ge*"}, "sold": {"provider": "north"}, "labels": {"team": "a"}},
    ],
}
HEAD = (
    "BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ServiceName,ListCost,BilledCost"
)
BILL = f"""{HEAD}
USD,Usage,2026-01-15T12:00:00Z,2026-01-15T13:00:00Z,1000,m in,3.9,3.9
USD,Usage,2026-03-29 02:30:00,2026-03-29 03:30:00,-250,m in,,-0.75
USD,Tax,2026-01-15T12:00:00Z,2026-01-15T13:00:00Z,,,,228
USD,Usage,2026-01-16,2026-01-17,,Storage,2,1200.5
"""
SAID = [
    {"role": "user", "content": "hello"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}], "id": "msg_1"},
    {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "seen"},
]


@cache
def _served() -> Case:
    return served_case()


def _says(refused: FlawError | Refusal) -> None:
    """It says what is wrong, and what to do."""
    flaws = refused.flaws if isinstance(refused, FlawError) else ()
    assert str(refused)
    assert all(flaw.what and flaw.remedy for flaw in flaws)


def _has_places(error: CaseError) -> None:
    """Every mistake has a place and a remedy, and can be shown."""
    assert error.mistakes
    assert all(mistake.what and mistake.remedy and mistake.where.line for mistake in error.mistakes)
    assert all(line.isprintable() and not HIDDEN.search(line) for line in str(error).split("\n"))


def budgets(chance: random.Random, folder: Path) -> None:
    """A case whose budgets or keys were edited is one with budgets that end nowhere in a circle, or has mistakes."""
    tree = Document.parse(EVERYTHING.encode(), "case").data()
    for _ in range(chance.randint(1, 3)):
        section = chance.choice([each for each in ("budgets", "keys") if tree.get(each)] or ["name"])
        edit(chance, tree, (section,))
    (folder / "case.yaml").write_text(json.dumps(tree), "utf-8", "surrogatepass")
    try:
        case = Case.load(folder)
    except CaseError as error:
        _has_places(error)
        return
    known = {budget.id: budget for budget in case.declared.budgets}
    assert len(known) == len(case.declared.budgets)
    for budget in known.values():
        above = [budget.id]
        while (name := known[above[-1]].within) is not None:
            above.append(name)
            assert len(above) <= len(known)


def a_mapping(chance: random.Random, folder: Path) -> None:
    """A mapping with a few edits reads a bill, or has mistakes with their places and remedies."""
    tree = json.loads(json.dumps(MAPPING))
    for _ in range(chance.randint(1, 3)):
        edit(chance, tree)
    path = folder / "mapping.yaml"
    text = yaml.safe_dump(tree) if chance.random() < 0.5 else json.dumps(tree, ensure_ascii=False)
    path.write_text(text, "utf-8", "surrogatepass")
    try:
        found = read_mapping(path, _served())
    except CaseError as error:
        _has_places(error)
        return
    _rows(folder, found, BILL.encode())


def a_bill(chance: random.Random, folder: Path) -> None:
    """Of a bill with some bytes changed every row is read, or told with its place."""
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(MAPPING), encoding="utf-8")
    _rows(folder, read_mapping(path, _served()), edit_bytes(chance, BILL.encode()))


def _rows(folder: Path, mapping: BillMapping, bill: bytes) -> None:
    """Every row is read or set aside, one by one, and what is said of it can be shown."""
    (folder / "bill.csv").write_bytes(bill)
    likes = LikeRows()
    try:
        for row in BillReader(folder / "bill.csv", mapping, BillCurrencies(_served(), mapping), likes).rows():
            assert isinstance(row, BadRow | BillRow)
            if isinstance(row, BadRow):
                assert row.what.isprintable()
    except FlawError as error:
        _says(error)
    finally:
        likes.close()


def turns(chance: random.Random, folder: Path) -> None:
    """What a call says is refused, or kept, recalled as it was, and said again before what follows it."""
    surface = ResponsesSurface()
    first, second = _asked(chance, surface, {}), _asked(chance, surface, {"previous_response_id": kept.id_of("req_1")})
    if first is None or second is None:
        return
    try:
        first = as_chat(first)  # what no model can be told has no reply that could be kept
    except Refusal as refusal:
        _says(refusal)
        return
    reply = json.dumps({"id": "x", "output": [{"type": "message", "role": "assistant", "content": "so"}]}).encode()
    turn = kept.turn_of(msgspec.structs.replace(first, kept_as=kept.id_of("req_1")), reply)

    async def stored() -> list[KeptTurn]:
        store = KeptTurns(folder / "turns")
        await store.keep("k", turn, BOUNDS, 1.0)
        assert not await store.recall("another", turn.id, BOUNDS, 2.0)
        found = list(await store.recall("k", turn.id, BOUNDS, 2.0))
        await store.close()
        return found

    found = run(stored())
    assert found == [turn]
    try:
        asked = surface.recalled(second, found)
    except Refusal as refusal:
        _says(refusal)
        return
    said = json.loads(bytes(asked.call.members["input"]))
    assert {"type": "message", "role": "assistant", "content": "so"} in said
    assert all(each["id"] for each in json.loads(kept.listed(found, {"order": "asc"}))["data"])


def _asked(chance: random.Random, surface: ResponsesSurface, more: dict[str, Any]) -> Any:
    """A call with edits in what it says; None where it is refused."""
    tree: dict[str, Any] = {"model": "m", "input": json.loads(json.dumps(SAID)), **more}
    if chance.random() < 0.7:
        edit(chance, tree, ("input",))
    body = json.dumps(tree, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    if chance.random() < 0.3:
        body = edit_bytes(chance, body)
    try:
        return surface.ask(body)
    except Refusal as refusal:
        _says(refusal)
        return None


KINDS: dict[str, Callable[[random.Random, Path], None]] = {
    "budgets": budgets,
    "mapping": a_mapping,
    "bill": a_bill,
    "turns": turns,
}
