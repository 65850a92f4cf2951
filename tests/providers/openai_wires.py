"""Wires of OpenAI's own shape and of Azure's two, and calls over them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from pydantic import TypeAdapter

from detente.live.deployment import Deployment
from detente.market.offer import Offer
from detente.providers import wire_of
from detente.providers.wire import Call, Wire
from tests.builders import tokens

OFFER: Any = TypeAdapter(Offer).validate_python(tokens("north", 2))


def made(**given: Any) -> Wire:
    base = {"id": "d", "offer": "o", "credential": {"env": "KEY"}, "name": "there"}
    return wire_of(TypeAdapter(Deployment).validate_python(base | given), OFFER)


OWN = made(kind="openai-compatible", endpoint="https://x.example/v1/")
V1 = made(kind="azure", endpoint="https://x.openai.azure.com/")
LEGACY = made(kind="azure", endpoint="https://x.openai.azure.com", version="2024-10-21", name="a/b:c")


def call(operation: Any = "chat", stream: bool = False, **members: Any) -> Call:
    texts = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in members.items()}
    return Call(operation, texts, stream)
