"""``POST /v1/messages/count_tokens``: about how many tokens a request of Anthropic's would take.

Owns: reading it. It is answered by the gateway's own estimate, which is marked as one, and asks no provider. Not here:
the estimate itself (``estimate``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from detente.gateway.surfaces.messages import MessagesSurface
from detente.gateway.surfaces.messages_request import members_of
from detente.gateway.surfaces.surface import NO_HEADERS, Asked


class CountSurface(MessagesSurface):
    """A request that is counted, and not made."""

    path: ClassVar[str] = "/v1/messages/count_tokens"

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """Read it as the request that it is about, which has a limit beside. Raises ``Refusal``."""
        members = members_of(body)
        members.setdefault("max_tokens", msgspec.Raw(b"1"))
        return super().ask(msgspec.json.encode(members), workload, headers)
