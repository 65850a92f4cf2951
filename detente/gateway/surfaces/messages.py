"""``POST /v1/messages``: Anthropic's Messages API, asked of upstreams as chat completions.

Owns: the surface itself: what a request needs, and where each of its parts is translated. Nothing is dropped in
silence: what a chat completion cannot say is refused by name (``docs/guide/surfaces.md`` has the tables). Not here:
requests (``messages_request``, ``messages_prompt``, ``messages_tools``), replies (``messages_reply``,
``messages_stream``) and errors (``messages_error``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from detente.gateway.surfaces.chat import PREFIX_BYTES
from detente.gateway.surfaces.estimate import prompt_tokens
from detente.gateway.surfaces.messages_error import error_of, type_of_status
from detente.gateway.surfaces.messages_reply import message
from detente.gateway.surfaces.messages_request import Asking, members_of
from detente.gateway.surfaces.messages_stream import MessagesRendering
from detente.gateway.surfaces.surface import Asked, Rendering, Surface
from detente.live.deployment import Operation
from detente.providers.wire import Call, Reply


class MessagesSurface(Surface):
    """Anthropic's Messages API."""

    path: ClassVar[str] = "/v1/messages"
    operation: ClassVar[Operation] = "chat"
    id_header: ClassVar[str] = "request-id"
    keep_alive: ClassVar[bytes] = b'event: ping\ndata: {"type":"ping"}\n\n'

    def ask(self, body: bytes, workload: str = "") -> Asked:
        """Read a request of Anthropic's. Raises ``Refusal`` with a sentence and the member that is wrong."""
        members = members_of(body)
        asking = Asking(members)
        asking.sampling()
        asking.output()
        prompt = asking.prompt()
        said = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in asking.said.items()}
        text = b"".join(bytes(members[name]) for name in ("tools", "system", "messages") if name in members)
        told = prompt_tokens(b"".join(bytes(said[name]) for name in ("tools", "messages") if name in said))
        return Asked(
            Call("chat", said, asking.stream, asks_usage=True, budget=asking.budget),
            asking.said["model"],
            frozenset(asking.needs | prompt.needs),
            prefix=text[:PREFIX_BYTES],
            tokens=told + asking.most,
            prompt=told,
        )

    def whole(self, asked: Asked, reply: Reply, deployment: str) -> bytes:
        """A chat completion as one of Anthropic's messages. Raises ``UnsayableError``."""
        return message(asked, reply)

    def streamed(self, asked: Asked, deployment: str) -> Rendering:
        """A renderer of chunks as Anthropic's events."""
        return MessagesRendering(asked)

    def error(self, status: int, error: Mapping[str, Any]) -> bytes:
        """An error of Anthropic's."""
        return msgspec.json.encode(error_of(error, type_of_status(status)))
