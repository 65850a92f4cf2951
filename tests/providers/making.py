"""A wire of OpenAI's own shape, for the tests of surfaces and of wires."""

from __future__ import annotations

from typing import Any

from detente.live.deployment import CompatibleDeployment
from detente.providers.openai_compatible import CompatibleWire


def compatible(name: str = "m", **stated: Any) -> CompatibleWire:
    data = {"id": "d", "kind": "openai-compatible", "offer": "o", "endpoint": "http://127.0.0.1"}
    given = CompatibleDeployment.model_validate({**data, "credential": {"env": "KEY"}, **stated})
    return CompatibleWire(given, name, "here")
