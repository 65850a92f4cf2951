"""Claude at Bedrock in Anthropic's own shape: InvokeModel, and its stream.

Owns: the body (Anthropic's, without ``model`` and ``stream``, and with a version and the betas in it), and the events
that come in AWS's frames. Not here: what a Claude takes (``providers/claude``), frames (``frames``), and errors
(``failures``).

Sources: "Anthropic Claude Messages API", Amazon Bedrock User Guide; "InvokeModelWithResponseStream", "CountTokens", its
API Reference.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from typing import Any

import msgspec

from detente.providers import sse
from detente.providers.bedrock.converse_reply import broken
from detente.providers.bedrock.event_frames import MAX_BYTES, Frame, FrameError, Frames
from detente.providers.bedrock.failures import named, text_of
from detente.providers.claude import Claude, at_bedrock, fitted
from detente.providers.messages_stream import EMPTY, HEAD, MessagesDecoder, is_piece
from detente.providers.omission import Omissions
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, StreamPart, is_utf8, joined

VERSIONS = {"": "bedrock-2023-05-31", "2023-06-01": "bedrock-2023-05-31"}
"""Bedrock's name of a version of the API; of later ones it is their own."""
MAX_FRAME = 16 * MAX_BYTES
"""A frame holds one event, which may be a whole redacted thought."""
METRICS = "amazon-bedrock-invocationMetrics"
"""What Bedrock adds to the last event: not Anthropic's, and not the caller's."""
_TYPED = b'{"type":"'


def body_of(call: Call, claude: Claude) -> tuple[bytes, tuple[str, ...]]:
    """(the body of a request, what is left out of it). Raises Refusal."""
    omissions = Omissions(call.optional)
    members = fitted(call, claude, omissions)
    betas = at_bedrock(members, claude, call.betas, omissions)
    for name in ("model", "stream"):
        members.pop(name, None)
    added = [("anthropic_version", msgspec.json.encode(VERSIONS.get(call.version, call.version)))]
    if betas:
        added.append(("anthropic_beta", msgspec.json.encode(betas)))
    return joined(members, added), omissions.names


def counting_of(call: Call, claude: Claude) -> bytes:
    """The body by which CountTokens is asked how many tokens a request would take. Raises Refusal."""
    body, _ = body_of(call, claude)
    return msgspec.json.encode({"input": {"invokeModel": {"body": b2a_base64(body, newline=False).decode()}}})


class _Chunk(msgspec.Struct):
    bytes: str


_CHUNK = msgspec.json.Decoder(_Chunk)


class InvokeDecoder(MessagesDecoder):
    """Reads frames, each of which holds one of Anthropic's events in base64."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        super().__init__()
        self._frames = Frames(MAX_FRAME)

    def feed(self, data: bytes) -> StreamPart:
        part = StreamPart()
        if self._done or self._failed:
            return part
        shown: list[bytes] = []
        try:
            for frame in self._frames.feed(data):
                self._frame(frame, part, shown)
                if part.done or part.failure is not None:
                    break
        except FrameError as error:
            self._fail(part, broken(str(error)))
        return self._over(part, shown)

    def _frame(self, frame: Frame, part: StreamPart, shown: list[bytes]) -> None:
        headers = frame.headers
        kind = headers.get(":message-type")
        if kind == "exception":
            self._fail(part, named(headers.get(":exception-type", ""), text_of(frame.payload)))
        elif kind == "error":
            self._fail(part, named(headers.get(":error-code", ""), headers.get(":error-message", "")))
        elif kind != "event":
            self._fail(part, broken("a frame that is neither an event nor an exception"))
        elif headers.get(":event-type") == "chunk":
            self._event(frame.payload, part, shown)

    def _event(self, payload: bytes, part: StreamPart, shown: list[bytes]) -> None:
        try:
            data = a2b_base64(_CHUNK.decode(payload).bytes, strict_mode=True)
        except (*UNREADABLE, Error):
            self._fail(part, broken("an event that cannot be read"))
            return
        if not is_utf8(data):
            self._fail(part, broken("an event that is not UTF-8"))
            return
        if (
            self._content and not (self._places.odd or data.count(EMPTY)) and is_piece(data)
        ):  # of bytes, `count` is faster than `in`
            part.content += 1
            shown.append(HEAD + sse.one_line(data) + b"\n\n")
            return
        if not data.strip():
            return
        told = self.read(data, part)
        if told is None or part.failure is not None:
            return
        data = _unmeasured(told.data) if part.done else told.data
        shown.append(told.mark + sse.event(data, told.kind or _name_of(data)))


def _name_of(data: bytes) -> str:
    """The type of an event that was read, which is its name."""
    if data.startswith(_TYPED):
        return data[len(_TYPED) : data.index(b'"', len(_TYPED))].decode("ascii", "replace")
    found: dict[str, Any] = msgspec.json.decode(data)
    return str(found.get("type", ""))


def _unmeasured(data: bytes) -> bytes:
    if METRICS.encode() not in data:
        return data
    found = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    found.pop(METRICS, None)
    return msgspec.json.encode(found)
