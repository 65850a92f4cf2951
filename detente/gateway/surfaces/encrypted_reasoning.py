"""Encrypted reasoning that says which deployment made it: only its maker can read it.

Owns: sealing ``encrypted_content`` in what a provider says, and opening it in what a caller sends back. A text cannot
look like the member, since its quotation marks are escaped: so nothing is parsed for it. Not here: ids of stored
responses (``responses_pin``), and thoughts of chat models (``responses_thought``).
"""

from __future__ import annotations

import re
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


def _without(given: bytes, maker: str) -> bytes:
    """Without the reasoning of others, which nobody who is asked can read."""
    items: list[dict[str, Any]] = msgspec.json.decode(given, type=list[dict[str, msgspec.Raw]])
    own = PREFIX.decode() + maker + "~"

    def readable(item: dict[str, Any]) -> bool:
        content = item.get("encrypted_content")
        text = msgspec.json.decode(content, type=str | None) if content is not None else None
        return text is None or not text.startswith(PREFIX.decode()) or text.startswith(own)

    return msgspec.json.encode([item for item in items if readable(item)])
