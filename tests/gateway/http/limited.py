"""A case whose bodies are small."""

from __future__ import annotations

from typing import Any

from tests.gateway.stage import (
    DEADLINES,
    Provider,
    one,
)

LIMIT = 100_000


def small(provider: Provider) -> dict[str, Any]:
    return one(provider, serving={"deadlines": DEADLINES, "body": LIMIT})
