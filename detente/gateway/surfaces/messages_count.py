"""``POST /v1/messages/count_tokens``: how many tokens a request of Anthropic's would take.

Owns: reading it, and what is answered where the deployment that would be asked counts none: an estimate of our own,
which is marked as one. Not here: the estimate itself (``prompt_size``), and asking (``providers``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from detente.gateway.surfaces.messages import MessagesSurface
from detente.gateway.surfaces.messages_request import members_of
from detente.gateway.surfaces.surface import NO_HEADERS, Asked
from detente.providers.wire import Refusal, Reply, Wire

ESTIMATED = b"x-detente-estimated: input_tokens\r\n"


class CountSurface(MessagesSurface):
    """A request that is counted, and not made."""

    path: ClassVar[str] = "/v1/messages/count_tokens"
    makes: ClassVar[bool] = False

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """Read it as the request that it is about, which has a limit beside. Raises ``Refusal``."""
        members = members_of(body)
        members.setdefault("max_tokens", msgspec.Raw(b"1"))
        found = super().ask(msgspec.json.encode(members), workload, headers)
        call = msgspec.structs.replace(found.call, operation="count", stream=False)
        return msgspec.structs.replace(found, call=call, tokens=0)

    def spoken(self, asked: Asked, wire: Wire) -> Asked:
        """As it came. Raises ``Refusal`` where tokens are not counted."""
        if not wire.speaks("count"):
            raise Refusal("it counts no tokens of a request in Anthropic's shape")
        return asked

    def whole(self, asked: Asked, reply: Reply, deployment: str) -> bytes:
        """As the provider counted them."""
        return reply.body

    def otherwise(self, asked: Asked) -> tuple[bytes, bytes] | None:
        """The estimate."""
        return ESTIMATED, b'{"input_tokens":%d}' % asked.prompt
