"""Paths: what answers one, and to which methods.

Owns: that several paths lead to the same surface, and what a path says of a call. Not here: pages, and what is answered
(``app``).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from detente.gateway.http.exchange import RequestHead
from detente.gateway.surfaces import SURFACES
from detente.gateway.surfaces.stored import PREFIX as STORED
from detente.gateway.surfaces.stored import StoredSurface
from detente.gateway.surfaces.surface import Surface
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Members

_POST = frozenset({b"POST"})
_SAME = re.compile(rb"^/(?:openai(?:/v1|/deployments/[^/]+)?|anthropic/v1)(?=/)")
"""How the paths of Azure's own clients begin, and of Anthropic's for Azure."""
_AZURES = b"/openai/"
_DEPLOYMENT = re.compile(rb"^/openai/deployments/([^/]+)/")


def surface_of(head: RequestHead) -> tuple[Surface | None, frozenset[bytes]]:
    """What answers a path, and to which methods."""
    found = SURFACES.get(head.path) or SURFACES.get(path := plain(head.path))
    if found is None and path.startswith(STORED):
        stored = StoredSurface(head.method, path, head.query)
        return (stored, stored.methods) if stored.methods else (None, _POST)
    return found, _POST


def plain(path: bytes) -> bytes:
    """A path as it is called here: without a slash at its end, and by whatever name a client begins it."""
    return _SAME.sub(b"/v1", path).rstrip(b"/")


def with_model(path: bytes, body: bytes) -> bytes:
    """A body with the model that its path names, where it names none: some of Azure's clients say it there alone.

    A body that cannot be read stays as it is, for whoever says what is wrong with it.
    """
    named = _DEPLOYMENT.match(path) if path.startswith(_AZURES) else None
    if named is None:
        return body
    try:
        members = msgspec.json.decode(body, type=Members)
        model = unquote(named[1].decode())
    except UNREADABLE:
        return body
    if bytes(members.get("model", b"null")) != b"null":
        return body
    return msgspec.json.encode({"model": model, **{n: raw for n, raw in members.items() if n != "model"}})


def shown(head: RequestHead) -> str:
    """A request's method and path, as its caller is told of them."""
    return f"{head.method.decode('latin-1')} {head.path.decode('latin-1')[:200]}"
