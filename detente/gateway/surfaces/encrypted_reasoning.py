"""Encrypted reasoning that says which deployment made it: only its maker can read it.

Owns: sealing ``encrypted_content`` in what a provider says, and opening it in what a caller sends back. A text cannot
look like the member, since its quotation marks are escaped: so nothing is parsed for it. Not here: ids of stored
responses (``responses_pin``), and thoughts of chat models (``responses_thought``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

PREFIX = b"dte1~"
_MADE = re.compile(rb'("encrypted_content"\s*:\s*")(?=[^"])')
_SEALED = re.compile(rb'("encrypted_content"\s*:\s*")' + PREFIX + rb"([A-Za-z0-9._-]{1,200})~")


def sealed(data: bytes, deployment: str) -> bytes:
    """What a provider said, each encrypted content with its maker."""
    return _MADE.sub(rb"\g<1>" + PREFIX + deployment.encode() + b"~", data)


def opened(given: bytes, pinned: str | None) -> tuple[bytes, str | None, bool]:
    """(input as the maker of its reasoning reads it, who that is, whether reasoning of others was left out).

    Parameters
    ----------
    given
        The member ``input``.
    pinned
        Who is asked in any case. Else it is who made the last of the reasoning; None where none is sealed.
    """
    makers = [found[2].decode() for found in _SEALED.finditer(given)] if PREFIX in given else []
    if not makers:
        return given, pinned, False
    maker = pinned or makers[-1]
    others = any(made != maker for made in makers)
    if others:
        given = _without(given, maker)
    return _SEALED.sub(rb"\g<1>", given), maker, others


def forgotten(given: bytes) -> bytes:
    """Without any encrypted reasoning: for those who can read none of it."""
    return _kept(given, lambda content: False)


def _without(given: bytes, maker: str) -> bytes:
    """Without the reasoning of others, which nobody who is asked can read."""
    sealed, own = PREFIX.decode(), f"{PREFIX.decode()}{maker}~"
    return _kept(given, lambda content: not content.startswith(sealed) or content.startswith(own))


def _kept(given: bytes, readable: Callable[[str], bool]) -> bytes:
    """Without items of reasoning that are not readable; what else is encrypted (a compaction) is no thought."""
    items: list[dict[str, Any]] = msgspec.json.decode(given, type=list[dict[str, msgspec.Raw]])

    def stays(item: dict[str, Any]) -> bool:
        if bytes(item.get("type", b"")) != b'"reasoning"' or "encrypted_content" not in item:
            return True
        content = msgspec.json.decode(item["encrypted_content"], type=str | None)
        return content is None or readable(content)

    return msgspec.json.encode([item for item in items if stays(item)])
