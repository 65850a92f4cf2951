"""A case whose bodies are small."""

from __future__ import annotations

from typing import Any

from tests.gateway.script import Provider
from tests.gateway.stage import DEADLINES, one

LIMIT = 100_000


def small(provider: Provider) -> dict[str, Any]:
    return one(provider, serving={"deadlines": DEADLINES, "body": LIMIT})
