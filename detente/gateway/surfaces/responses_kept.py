"""Responses that the gateway keeps itself: those of models that have only chat, which no provider stores.

Owns: their ids, what is kept of a turn, and from turns to the conversation that a call builds on. Pure. Not here: where
turns are kept, and for how long (``serving/call/kept_turns``), and responses that a provider stores
(``responses_pin``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from detente.gateway.surfaces.surface import Asked, KeptTurn
from detente.providers.wire import Members, Refusal

PREFIX = "resp_dtk1"
"""With a number, as ids of stored responses have: another form of ids gets the next one."""
MAX_PAGE = 100
"""Items on a page, as OpenAI has it; 20 where nothing is stated."""
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def id_of(call: str) -> str:
    """The id of the response to a call: no two calls share one, whatever their providers say."""
    return PREFIX + call.removeprefix("req_")


def turn_of(asked: Asked, response: bytes) -> KeptTurn:
    """What is kept of a turn: its own input and the response; what came before it is kept already."""
    members = asked.origin.members if asked.origin is not None else asked.call.members
    own = asked.fresh or bytes(members.get("input", b"[]"))
    return KeptTurn(asked.kept_as, asked.recalls, own, response)


def continued(turns: Sequence[KeptTurn], own: bytes) -> msgspec.Raw:
    """The input of a call that builds on turns, the oldest first: all that was said, then its own."""
    items = [item for turn in turns for item in _said(turn)]
    return msgspec.Raw(msgspec.json.encode([*items, *_items(own)]))


def _said(turn: KeptTurn) -> Iterator[msgspec.Raw]:
    yield from _items(turn.input)
    yield from _ITEMS.decode(msgspec.json.decode(turn.response, type=Members)["output"])


def _items(own: bytes) -> list[msgspec.Raw]:
    """An input as items: a text is what a user says."""
    if own[:1] != b'"':
        return _ITEMS.decode(own)
    said = {"type": "message", "role": "user", "content": msgspec.Raw(own)}
    return [msgspec.Raw(msgspec.json.encode(said))]


# -- what callers ask of a kept response ------------------------------------------------------------------------------
def listed(turns: Sequence[KeptTurn], query: Mapping[str, str]) -> bytes:
    """What the last of the turns was an answer to, as a page of items: `limit`, `after`, `order`. Raises Refusal."""
    limit, order = query.get("limit", "20"), query.get("order", "desc")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= MAX_PAGE and len(limit) < 4):
        raise Refusal(f"`limit` is {limit[:40]!r}: write a whole number from 1 to {MAX_PAGE}", "limit")
    if order not in ("asc", "desc"):
        raise Refusal(f"`order` is {order[:40]!r}: write `asc` or `desc`", "order")
    *before, last = turns
    raw = [*(item for turn in before for item in _said(turn)), *_items(last.input)]
    items = [_whole(msgspec.json.decode(item, type=dict[str, Any]), at) for at, item in enumerate(raw)]
    if order == "desc":
        items.reverse()
    if (after := query.get("after")) is not None:
        ids = [item["id"] for item in items]
        if after not in ids:
            raise Refusal(f"`after` is {after[:80]!r}, and no item has that id: write one of this list", "after")
        items = items[ids.index(after) + 1 :]
    page = items[: int(limit)]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return msgspec.json.encode({"object": "list", "data": page, **ends, "has_more": len(page) < len(items)})


def _whole(item: dict[str, Any], at: int) -> dict[str, Any]:
    """An item as OpenAI lists it: with a type and an id, and its text as a part."""
    kind, own = item.get("type") or "message", item.get("id") or f"item_{at}"  # a caller may say `null`
    if isinstance(text := item.get("content"), str):
        part = "output_text" if item.get("role") == "assistant" else "input_text"
        item = {**item, "content": [{"type": part, "text": text}]}
    return {**item, "id": own, "type": kind}


def deleted(response: str) -> bytes:
    """That a response is kept no longer."""
    return msgspec.json.encode({"id": response, "object": "response", "deleted": True})
