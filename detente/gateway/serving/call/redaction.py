"""Redaction: our own credential struck from what a provider says (§14).

Owns: what is put in its place, in a failure and in the bytes of a reply. A provider that repeats a request, or quotes a
key that it does not accept, must not hand it on to a caller or a journal. Not here: what is secret (``authority``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from detente.providers.wire import Failure

STRUCK = "[credential]"
SHORTEST = 8
"""Letters of a secret that is looked for: a shorter one stands in many an innocent word."""


def struck_failure(failed: Failure, secrets: Sequence[str]) -> Failure:
    """A failure without our secrets."""
    if not any(secret in failed.detail or secret in str(failed.error) for secret in secrets):
        return failed
    return replace(failed, error=_struck(failed.error, secrets), detail=_struck(failed.detail, secrets))


def sought(secrets: Sequence[str]) -> Sequence[bytes]:
    """Our secrets as they would stand in bytes."""
    return [secret.encode() for secret in secrets if len(secret) >= SHORTEST]


def struck_bytes(data: bytes, sought: Sequence[bytes]) -> bytes:
    """Bytes of a reply without what is sought. What is cut in two by two pieces of a stream is not seen."""
    for secret in sought:
        if secret in data:
            data = data.replace(secret, STRUCK.encode())
    return data


def _struck(said: Any, secrets: Sequence[str]) -> Any:
    if isinstance(said, str):
        for secret in secrets:
            if len(secret) >= SHORTEST:
                said = said.replace(secret, STRUCK)
        return said
    if isinstance(said, dict):
        return {name: _struck(value, secrets) for name, value in said.items()}
    return [_struck(value, secrets) for value in said] if isinstance(said, list) else said
