"""``GET`` and ``DELETE /v1/responses/{id}``, and its ``/input_items``: responses that are stored.

Owns: from a path to a call of the deployment that its id names, or to what the gateway keeps itself. Nothing is
generated, and so nothing is metered. Not here: making responses (``responses``), and ids (``responses_pin``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec

from detente.gateway.surfaces import responses_kept as kept
from detente.gateway.surfaces import responses_pin as pin
from detente.gateway.surfaces.naming import text_of
from detente.gateway.surfaces.responses_native import sealed
from detente.gateway.surfaces.surface import (
    NO_HEADERS,
    AbsentError,
    Asked,
    KeptTurn,
    Rendering,
    StreamHead,
    Surface,
    UnsayableError,
)
from detente.live.deployment import Operation
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Refusal, Reply, Wire

PREFIX = b"/v1/responses/"
METHODS = {"": frozenset({b"GET", b"DELETE"}), "input_items": frozenset({b"GET"})}
NO_IDS = frozenset({"compact", "input_tokens"})
"""OpenAI's other paths beside responses: they look like an id, and nothing answers them here."""
_UNKNOWN = "this is not the id of a response that is stored for this caller"
_QUERY = re.compile(r"[A-Za-z0-9_.~%&=\[\]-]{0,2000}")
_PROVIDERS_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")


class StoredSurface(Surface):
    """One request for a stored response."""

    path: ClassVar[str] = "/v1/responses/{id}"
    operation: ClassVar[Operation] = "responses"
    makes: ClassVar[bool] = False

    def __init__(self, method: bytes, path: bytes, query: bytes) -> None:
        self._method = method
        name, _, self._part = path.removeprefix(PREFIX).decode("latin-1").partition("/")
        self._id, self._query = name, query.decode("latin-1")
        self._own = self._model = ""
        """The provider's id of it, and what the case calls its model, once they are known."""

    @property
    def methods(self) -> frozenset[bytes]:
        """What its path answers; nothing where there is no such path."""
        return METHODS.get(self._part, frozenset()) if self._id not in NO_IDS else frozenset()

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """A call of the deployment that the id names, or for what the gateway keeps. Raises ``Refusal``."""
        if not _QUERY.fullmatch(self._query):
            raise Refusal("the path or its query contains characters that are not allowed", "id")
        if dict(parse_qsl(self._query)).get("stream", "false") != "false":
            raise Refusal("a stored response is returned whole; leave out `stream`", "stream")
        if self._id.startswith(kept.PREFIX):
            return Asked(Call("responses", {}, method=self._method.decode()), "", recalls=self._id)
        try:
            deployment, own = pin.open(self._id, workload)
        except pin.UnknownIdError:
            raise AbsentError(_UNKNOWN, "id") from None
        if not _PROVIDERS_ID.fullmatch(own):
            raise Refusal("the path or its query contains characters that are not allowed", "id")
        self._own = own
        item = f"/{own}" + (f"/{self._part}" if self._part else "") + (f"?{self._query}" if self._query else "")
        return Asked(
            Call("responses", {}, method=self._method.decode(), item=item), "", pinned=deployment, workload=workload
        )

    def recalled(self, asked: Asked, turns: Sequence[KeptTurn]) -> Asked:
        """The same, where it is kept. Raises ``Refusal``."""
        if not turns:
            raise AbsentError(_UNKNOWN, "id")
        return asked

    def answered(self, asked: Asked, turns: Sequence[KeptTurn]) -> bytes | None:
        """A response that the gateway keeps, what it was an answer to, or that it is kept no longer."""
        if not turns:
            return None
        if asked.call.method == "DELETE":
            return kept.deleted(self._id)
        if self._part == "input_items":
            return kept.listed(turns, dict(parse_qsl(self._query)))
        return turns[-1].response

    def lost(self, asked: Asked, model: str | None) -> Refusal | None:
        """What is stored where this workload asks no longer is not there for it."""
        return AbsentError(_UNKNOWN, "id")

    def spoken(self, asked: Asked, wire: Wire) -> Asked:
        """As it was asked; who stores it says which model it is of."""
        self._model = wire.model
        return asked

    def whole(self, asked: Asked, reply: Reply, deployment: str) -> bytes:
        """The reply; a response's ids are sealed, as they were when it was made, and its model has the case's name."""
        try:
            found = msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])
            kind = msgspec.json.decode(found.get("object", b'""'), type=str)
        except UNREADABLE:
            raise UnsayableError("the provider's reply is not a response") from None
        if not kind.startswith("response"):
            return reply.body
        if self._model and "model" in found:
            found["model"] = msgspec.Raw(text_of(self._model))
        return msgspec.json.encode(sealed(found, deployment, asked.workload))

    def streamed(self, asked: Asked, deployment: str, head: StreamHead | None = None) -> Rendering:
        """Never: ``ask`` refuses it."""
        raise AssertionError("stored responses are not streamed")

    def error(self, status: int, error: Mapping[str, Any]) -> bytes:
        """OpenAI's error; where a provider's words name the response, by the id that the caller knows."""
        if self._own:
            error = {**error, "message": str(error.get("message", "")).replace(self._own, self._id)}
        return msgspec.json.encode({"error": error})
