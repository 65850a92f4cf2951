"""What callers see, by path. To add one: a file here, a line below, its section in ``docs/guide/surfaces.md``."""

from __future__ import annotations

from detente.gateway.surfaces.chat import ChatSurface
from detente.gateway.surfaces.embeddings import EmbeddingsSurface
from detente.gateway.surfaces.messages import MessagesSurface
from detente.gateway.surfaces.messages_count import CountSurface
from detente.gateway.surfaces.responses import ResponsesSurface
from detente.gateway.surfaces.surface import Surface

_ALL: tuple[Surface, ...] = (ChatSurface(), EmbeddingsSurface(), ResponsesSurface(), MessagesSurface(), CountSurface())
SURFACES: dict[bytes, Surface] = {surface.path.encode(): surface for surface in _ALL}
