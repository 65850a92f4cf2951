"""Redaction: our own credential struck from what a provider says (§14).

Owns: what is put in its place, in a failure and in the bytes of a reply. A provider that repeats a request, or quotes a
key that it does not accept, must not hand it on to a caller or a journal. Not here: what is secret (``authority``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from detente.providers.wire import Failure

STRUCK = "[credential]"
_ESCAPED = '/"\\'
"""Letters that JSON may write behind a backslash as they are."""
SHORTEST = 8
"""Letters of a secret that is looked for: a shorter one stands in many an innocent word."""


def struck_failure(failed: Failure, secrets: Sequence[str]) -> Failure:
    """A failure without our secrets."""
    if not any(secret in failed.detail or secret in str(failed.error) for secret in secrets):
        return failed
    return replace(failed, error=_struck(failed.error, secrets), detail=_struck(failed.detail, secrets))


@dataclass(frozen=True, slots=True)
class Sought:
    r"""A secret as it may stand in JSON: as it is, or with letters of it escaped (``\/``, ``\u002B``)."""

    plain: bytes
    escapes: Sequence[bytes]
    """How an escape of one of its letters begins: without any, it stands there as it is, or not at all."""
    spelled: re.Pattern[bytes]
    head: bytes
    """Its first letters, ``SHORTEST`` of them, as they are."""
    begins: re.Pattern[bytes]
    """The same, with any of them escaped."""


@lru_cache(maxsize=64)
def sought(secrets: tuple[str, ...]) -> tuple[Sought, ...]:
    """Our secrets as they would stand in bytes. Cached: they are looked for in each reply."""
    return tuple(_sought(secret) for secret in secrets if len(secret) >= SHORTEST)


def struck_bytes(data: bytes, sought: Sequence[Sought]) -> bytes:
    """Bytes of a reply without what is sought. What two pieces of a stream share is ``spread_secret``'s to find."""
    for secret in sought:
        if b"\\" in data and any(escape in data for escape in secret.escapes):
            data = secret.spelled.sub(_in_place, data)
        elif secret.plain in data:
            data = data.replace(secret.plain, STRUCK.encode())
    return data


def _in_place(found: re.Match[bytes]) -> bytes:
    """What stands for a secret. One that seems to begin with a backslash may begin behind it: it was escaped itself."""
    before = found.string[: found.start()]
    halves = len(before) - len(before.rstrip(b"\\"))
    if found[0][:1] == b"\\" and halves % 2:
        return found[0][:1] + found.re.sub(_in_place, found[0][1:])
    return STRUCK.encode()


def _sought(secret: str) -> Sought:
    escapes = [b"\\u", *(b"\\" + letter.encode() for letter in _ESCAPED if letter in secret)]
    spelled = list(map(_spelled, secret))
    head = secret[:SHORTEST].encode()
    return Sought(
        secret.encode(), escapes, re.compile(b"".join(spelled)), head, re.compile(b"".join(spelled[:SHORTEST]))
    )


def _spelled(letter: str) -> bytes:
    """What stands in JSON for a letter of a secret, which is ASCII: itself, or an escape of it."""
    ways = [rb"\\u(?i:%04x)" % ord(letter), re.escape(letter.encode())]
    if letter in _ESCAPED:
        ways.insert(0, re.escape(b"\\" + letter.encode()))
    return b"(?:%s)" % b"|".join(ways)


def _struck(said: Any, secrets: Sequence[str]) -> Any:
    if isinstance(said, str):
        for secret in secrets:
            if len(secret) >= SHORTEST:
                said = said.replace(secret, STRUCK)
        return said
    if isinstance(said, dict):
        return {name: _struck(value, secrets) for name, value in said.items()}
    return [_struck(value, secrets) for value in said] if isinstance(said, list) else said
