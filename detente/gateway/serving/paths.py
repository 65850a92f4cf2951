"""Paths: what answers one, and to which methods.

Owns: that several paths lead to the same surface. Not here: pages, and what is answered (``app``).
"""

from __future__ import annotations

import re

from detente.gateway.http.exchange import RequestHead
from detente.gateway.surfaces import SURFACES
from detente.gateway.surfaces.stored import PREFIX as STORED
from detente.gateway.surfaces.stored import StoredSurface
from detente.gateway.surfaces.surface import Surface

_POST = frozenset({b"POST"})
_SAME = re.compile(rb"^/openai/(?:v1|deployments/[^/]+)(?=/)")
"""How the paths of Azure's own clients begin: the model is in the body, too."""


def surface_of(head: RequestHead) -> tuple[Surface | None, frozenset[bytes]]:
    """What answers a path, and to which methods."""
    found = SURFACES.get(head.path)
    if found is None and (same := _SAME.sub(b"/v1", head.path).rstrip(b"/")) in SURFACES:
        return SURFACES[same], _POST
    if found is None and head.path.startswith(STORED):
        stored = StoredSurface(head.method, head.path, head.query)
        return (stored, stored.methods) if stored.methods else (None, _POST)
    return found, _POST


def shown(head: RequestHead) -> str:
    """A request's method and path, as its caller is told of them."""
    return f"{head.method.decode('latin-1')} {head.path.decode('latin-1')[:200]}"
