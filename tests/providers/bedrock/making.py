"""Wires, calls, frames and replies for the tests of Bedrock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from struct import pack
from typing import Any
from zlib import crc32

import msgspec

from detente.live.deployment import BedrockDeployment, Operation
from detente.providers.bedrock import BedrockWire
from detente.providers.wire import Call

CORPUS = Path(__file__).parent / "corpus"
CLAUDE = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
HEADERS = {"x-amzn-requestid": "4e1d7a52", "date": "Tue, 24 Nov 2026 20:00:00 GMT"}


def wire(name: str = CLAUDE, region: str = "eu-central-1", **stated: Any) -> BedrockWire:
    data = {"id": "here", "offer": "some", "kind": "bedrock", "credential": {"env": "KEY"}, "name": name, **stated}
    return BedrockWire(BedrockDeployment.model_validate(data), name, region)


def call(
    members: Mapping[str, Any], operation: Operation = "chat", *, stream: bool = False, asks_usage: bool = False
) -> Call:
    return Call(operation, raw(members), stream, asks_usage)


def raw(members: Mapping[str, Any]) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in members.items()}


def said(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": "any", "messages": [{"role": "user", "content": text}], **more}


def encoded(members: Mapping[str, Any], name: str = CLAUDE, operation: Operation = "chat") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(wire(name).encode(call(members, operation)).body)
    return found


def frame(headers: Mapping[str, str], payload: bytes = b"") -> bytes:
    block = b"".join(
        bytes([len(name.encode())]) + name.encode() + b"\x07" + pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    return sealed(block, payload)


def sealed(block: bytes, payload: bytes) -> bytes:
    prelude = pack(">II", 16 + len(block) + len(payload), len(block))
    message = prelude + pack(">I", crc32(prelude)) + block + payload
    return message + pack(">I", crc32(message))


def event(kind: str, payload: Any) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps(payload).encode())


def exception(kind: str, message: str) -> bytes:
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": message}).encode())


def chunks(data: bytes) -> list[dict[str, Any]]:
    """The chunks in whole server-sent events."""
    events = data.split(b"\n\n")
    assert events.pop() == b""
    assert all(found.startswith(b"data: ") and b"\n" not in found for found in events)
    return [json.loads(found[6:]) for found in events]


def cases(kind: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """The shapes of a kind, by name."""
    for file in sorted((CORPUS / kind).glob("*.json")):
        yield file.stem, json.loads(file.read_text(encoding="utf-8"))
