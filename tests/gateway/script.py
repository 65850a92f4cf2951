"""What scripted providers say: whole replies, streams and their pieces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.builders import Data
from tests.gateway.http.peer import Peer


def http(body: bytes | Data, status: str = "200 OK", **headers: str) -> bytes:
    """A whole reply."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


def completion(text: str = "hello", usage: Data | None = None, **more: object) -> Data:
    """A chat completion of 10 tokens in and 5 out."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15} if usage is None else usage,
        **more,
    }


def refusal(code: str, message: str = "no") -> Data:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": "some_error", "param": None, "code": code}}


SERVED = http(completion())
"""A call that is served."""
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(value: Data | str) -> bytes:
    """A server-sent event."""
    return b"data: " + (value if isinstance(value, str) else json.dumps(value)).encode() + b"\n\n"


def delta(finish: str | None = None, **said: object) -> bytes:
    """An event with a piece of a completion."""
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": said, "finish_reason": finish}],
        }
    )


ROLE = delta(role="assistant", content="")
USED = event(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
)
DONE = b"data: [DONE]\n\n"
FLOW: Sequence[bytes] = [
    SSE,
    *map(chunked, (ROLE, delta(content="he"), delta(content="llo"), delta("stop"), USED, DONE)),
    LAST,
]
"""A stream from its head to its end."""
HEARD: Sequence[bytes | str] = [*FLOW[:3], "heard", *FLOW[3:]]
"""The same; its end comes once its begin was heard."""
HALF: Sequence[bytes | str] = [SSE, chunked(ROLE), chunked(delta(content="half")), "heard"]
"""A stream that was heard, and is not over."""


# -- providers --------------------------------------------------------------------------------------------------------
class Provider(Peer):
    """A scripted provider."""

    @property
    def asked(self) -> list[Data]:
        """The bodies that it was sent."""
        return [json.loads(body) for _, body in self.requests]


def play(*scripts: Any) -> Provider:
    """A provider of these scripts."""
    return Provider(*(script if isinstance(script, list) else [script] for script in scripts))
