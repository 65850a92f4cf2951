"""What callers see, by path. To add one: a file here, a line below, its section in ``docs/guide/surfaces.md``."""

from __future__ import annotations

from detente.gateway.surface import Surface
from detente.gateway.surfaces.chat import ChatSurface
from detente.gateway.surfaces.embeddings import EmbeddingsSurface

SURFACES: dict[bytes, Surface] = {surface.path.encode(): surface for surface in (ChatSurface(), EmbeddingsSurface())}
