"""Callers that remember what they were told, and the journal held against it.

Owns: the kinds of calls, what a caller saw of each whole reply, and what would be untrue of it. Not here: what goes
wrong meanwhile (``killed``).
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench.gateway.load import Caller
from detente.ledger.journals.frames import Torn, read
from detente.ledger.journals.journal import files
from detente.ledger.journals.record import Record, decoded
from detente.ledger.journals.record import ended as by_their_ends

PERSONAL, OUTSIDE = {"assistant", "claims", "search"}, "eastus2"
"""Workloads whose data stay in the Union, and the one region that is not in it."""
TOLD = {200, 429, 502, 503, 504}
"""Statuses that callers may see while providers fail."""


# -- what callers see -----------------------------------------------------------------------------------------------
class Kind(NamedTuple):
    """A kind of call."""

    name: str
    path: str
    body: Mapping[str, Any]
    workloads: tuple[str, ...]
    end: bytes = b""
    """What marks a stream as complete; none: it is no stream."""
    piece: re.Pattern[bytes] = re.compile(rb'"delta":\{"content":"[^"]')
    """A piece of content of it."""


def _said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


CHATTING = ("assistant", "coding", "claims", "summaries")
KINDS = (
    *[Kind("whole", "/v1/chat/completions", _said("What is covered?"), CHATTING)] * 5,
    *[Kind("stream", "/v1/chat/completions", _said("Tell me more.") | {"stream": True}, CHATTING, b"data: [DONE]")] * 5,
    Kind(
        "message",
        "/v1/messages",
        _said("And hail?") | {"stream": True, "max_tokens": 60},
        ("assistant", "coding"),
        b"event: message_stop",
        re.compile(rb'"type":"text_delta"'),
    ),
    Kind("vector", "/v1/embeddings", {"input": "flood"}, ("search",)),
)


class Seen(NamedTuple):
    """A reply that came whole."""

    kind: Kind
    workload: str
    status: int
    deployment: str
    complete: bool
    """Of a stream: whether it said that it is."""
    error: bool
    pieces: int


class Reader(Caller):
    """A caller that keeps the body."""

    def __init__(self) -> None:
        super().__init__()
        self.body = b""

    def on_body(self, data: bytes) -> None:
        self.body += data


@dataclass
class Traffic:
    """All calls, and what came of them."""

    address: tuple[str, int]
    keys: Mapping[str, str]
    left: int
    chance: random.Random
    seen: dict[str, Seen] = field(default_factory=dict)
    lost: int = 0
    odd: Counter[int] = field(default_factory=Counter)

    async def caller(self) -> None:
        """One caller: as many calls as its turn brings, on one connection while it lasts."""
        reader: Reader | None = None
        while self.left > 0:
            self.left -= 1
            if reader is None or reader.transport.is_closing():
                reader = await self._connected()
            kind = self.chance.choice(KINDS)
            workload = self.chance.choice(kind.workloads)
            reader.body = b""
            status = await reader.ask(self._request(kind, workload))
            if status < 0:
                self.lost += 1
            else:
                self._note(kind, workload, status, reader)
        if reader is not None:
            reader.transport.close()

    async def _connected(self) -> Reader:
        while True:
            try:
                _, reader = await asyncio.get_running_loop().create_connection(Reader, *self.address)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return reader

    def _request(self, kind: Kind, workload: str) -> bytes:
        body = json.dumps({"model": workload, **kind.body}).encode()
        head = f"POST {kind.path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {self.keys[workload]}\r\n"
        return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    def _note(self, kind: Kind, workload: str, status: int, reader: Reader) -> None:
        id_ = reader.headers.get(b"x-detente-request-id", b"").decode()
        if not id_ or id_ in self.seen:
            self.odd[status] += 1
            return
        where = reader.headers.get(b"x-detente-deployment", b"").decode()
        complete = bool(kind.end) and kind.end in reader.body
        error = b'"error":{' in reader.body
        self.seen[id_] = Seen(
            kind, workload, status, where, complete, error, len(kind.piece.findall(reader.body)) if kind.end else 0
        )


# -- the verdict ----------------------------------------------------------------------------------------------------
def records(journal: Path) -> Iterator[Record]:
    """All records; torn ends are set aside when a worker begins again. Raises JournalError."""
    found = (decoded(item) for file in files(journal) for item in read(file) if not isinstance(item, Torn))
    yield from by_their_ends(found)


def broken(seen: Mapping[str, Seen], found: list[Record]) -> Iterator[str]:
    """Every breach, in a sentence."""
    by_id = {record.id: record for record in found}
    if len(by_id) != len(found):
        yield f"{len(found) - len(by_id)} records have the id of another"
    for record in found:
        denied = {denial.deployment for denial in record.denied}
        asked = {attempt.deployment for attempt in record.attempts} | {record.deployment}
        if denied & asked or (record.workload in PERSONAL and record.region == OUTSIDE):
            yield f"{record.id} of {record.workload} was asked of {denied & asked or record.region}, which is denied"
        if record.outcome == "complete" and (record.usage is None or record.deployment is None):
            yield f"{record.id} is complete, and says no use or no place"
    for id_, reply in seen.items():
        if id_ not in by_id:
            yield f"{id_} came whole ({reply.kind.name}, {reply.status}), and has no record"
        else:
            yield from (f"{id_} ({reply.kind.name}): {what}" for what in _untrue(reply, by_id[id_]))


def _untrue(reply: Seen, record: Record) -> Iterator[str]:
    if (reply.workload, reply.deployment) != (record.workload, record.deployment or ""):
        yield f"said {reply.deployment}, recorded {record.deployment}"
    if reply.status not in TOLD:
        yield f"status {reply.status}"
    if reply.status != 200:
        if record.status != reply.status or record.outcome not in ("failed", "refused"):
            yield f"status {reply.status}, recorded as {record.outcome} with {record.status}"
    elif not reply.kind.end:
        if record.outcome != "complete" or reply.error:
            yield f"a whole reply, recorded as {record.outcome}"
    elif reply.complete == reply.error:
        yield "a stream that says both that it is complete and that it failed, or neither"
    elif (record.outcome == "complete") != reply.complete:
        yield f"a stream that ended {'well' if reply.complete else 'badly'}, recorded as {record.outcome}"
    elif reply.complete and record.usage is not None and reply.pieces != record.usage.output:
        yield f"complete, with {reply.pieces} pieces of {record.usage.output}"


def ended(reply: Seen) -> str:
    """How a stream ended, in a word."""
    if not reply.kind.end or reply.status != 200:
        return ""
    return "complete" if reply.complete else "failed" if reply.error else "SILENT"
