"""``POST /v1/embeddings``: OpenAI's own shape, passed through.

Owns: what routing needs of it. Not here: what a provider cannot do (its wire says so).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from detente.gateway.surfaces.chat import ChatSurface, members_of, text
from detente.gateway.surfaces.prompt_size import CHARACTERS_PER_TOKEN
from detente.gateway.surfaces.surface import NO_HEADERS, Asked, Rendering, StreamHead
from detente.live.deployment import Operation
from detente.providers.wire import Call, Refusal


class EmbeddingsSurface(ChatSurface):
    """Embeddings."""

    path: ClassVar[str] = "/v1/embeddings"
    operation: ClassVar[Operation] = "embeddings"

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """Read the members that routing needs."""
        members = members_of(body)
        model = text(members, "model")
        if "input" not in members:
            raise Refusal("`input` is missing", "input")
        given = bytes(members["input"])
        if given[:1] == b"[" and not given[1:-1].strip():
            raise Refusal("`input` is an empty list: give it a text, or leave the call out", "input")
        tokens = len(given) // CHARACTERS_PER_TOKEN + 1
        return Asked(Call("embeddings", members), model, tokens=tokens, prompt=tokens)

    def streamed(self, asked: Asked, deployment: str, head: StreamHead | None = None) -> Rendering:
        """Never: ``ask`` reads no stream."""
        raise AssertionError("embeddings are not streamed")
