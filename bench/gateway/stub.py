"""The provider behind every gateway of the bench: fixed replies, as cheaply as Python can send them.

    python bench/gateway/stub.py --ports 9101,9102 [--rate 50]

Owns: a whole chat completion, a stream of events that carry the time when they were sent, the same two in Bedrock's
shape, a whole message in Anthropic's, and failures on demand on the first port. Not here: anything that depends on what
was asked, beyond `stream` and `max_tokens` (the number of events of a stream).

An event's content is `#<number>@<nanoseconds of CLOCK_MONOTONIC> `, which a gateway carries unchanged whatever it does
to the event around it; so a client on the same machine knows how long the event took, and whether one is missing.

`GET /stub` tells what was served; `GET /stub?fault=throttled` (`unavailable`, `cut`, `none`) makes the first port fail.
"""

from __future__ import annotations

import argparse
import asyncio
import binascii
import json
import re
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, cast
from urllib.parse import parse_qs, urlsplit

import httptools
import uvloop

REPLY_BYTES = 1024
FAULTS = ("none", "throttled", "unavailable", "cut")
CUT_AFTER = 5  # events
_WANTED = re.compile(rb'"max_?(?:completion_)?[tT]okens"\s*:\s*(\d+)')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
Shape = Literal["openai", "bedrock"]


# -- replies, made once ---------------------------------------------------------------------------------------------
def _http(body: bytes, status: str = "200 OK", kind: str = "application/json", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{extra}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _grown(body: str, text: str) -> bytes:
    """The body with its text grown until the whole has the wanted size."""
    missing = REPLY_BYTES - len(body)
    return body.replace(text, text + "." * max(0, missing), 1).encode()


_ANSWER = "The clause permits it."
WHOLE = _http(
    _grown(
        json.dumps(
            {
                "id": "chatcmpl-bench",
                "object": "chat.completion",
                "created": 1_780_000_000,
                "model": "bench",
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": _ANSWER, "refusal": None},
                        "logprobs": None,
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350},
            },
            separators=(",", ":"),
        ),
        _ANSWER,
    )
)
CONVERSE = _http(
    _grown(
        json.dumps(
            {
                "output": {"message": {"role": "assistant", "content": [{"text": _ANSWER}]}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": 200, "outputTokens": 150, "totalTokens": 350},
                "metrics": {"latencyMs": 1},
            },
            separators=(",", ":"),
        ),
        _ANSWER,
    )
)
MESSAGE = _http(
    _grown(
        json.dumps(
            {
                "id": "msg_bench",
                "type": "message",
                "role": "assistant",
                "model": "claude-haiku-4-5-20251001",
                "content": [{"type": "text", "text": _ANSWER}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 200, "output_tokens": 150},
            },
            separators=(",", ":"),
        ),
        _ANSWER,
    )
)
_ERROR = b'{"error":{"message":"on purpose","type":"server_error","param":null,"code":null}}'
FAILED = {
    "throttled": _http(_ERROR, "429 Too Many Requests", extra="retry-after-ms: 50\r\n"),
    "unavailable": _http(_ERROR, "503 Service Unavailable"),
}
NOT_FOUND = _http(b"{}", "404 Not Found")


# -- streams --------------------------------------------------------------------------------------------------------
def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _sse(delta: str, finish: str = "null", usage: str = "") -> bytes:
    choice = f'[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]' if not usage else "[]"
    head = '{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1780000000,"model":"bench"'
    return f'data: {head},"choices":{choice}{usage}}}\n\n'.encode()


def frame(event: str, payload: bytes) -> bytes:
    """One message of `vnd.amazon.eventstream`."""
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in (
            (":event-type", event),
            (":content-type", "application/json"),
            (":message-type", "event"),
        )
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
_MARK = "#%d@%d "
_EVENT = _sse(f'{{"content":"{_MARK}"}}')
OPENING = {
    "openai": _HEAD % b"text/event-stream" + _chunk(_sse('{"role":"assistant","content":""}')),
    "bedrock": _HEAD % b"application/vnd.amazon.eventstream" + _chunk(frame("messageStart", b'{"role":"assistant"}')),
}
_USAGE = '"prompt_tokens":200,"completion_tokens":%d,"total_tokens":%d'


def event_of(shape: Shape, number: int) -> bytes:
    """One event, stamped now."""
    stamp = time.monotonic_ns()
    if shape == "openai":
        return _chunk(_EVENT % (number, stamp))
    payload = b'{"contentBlockIndex":0,"delta":{"text":"#%d@%d "}}' % (number, stamp)
    return _chunk(frame("contentBlockDelta", payload))


def closing(shape: Shape, events: int, asks_usage: bool) -> bytes:
    """What comes after the last event; Bedrock tells the usage in any case."""
    if shape == "openai":
        usage = ',"usage":{' + _USAGE % (events, 200 + events) + "}"
        told = [_sse("", usage=usage)] if asks_usage else []
        parts = [_sse("{}", '"stop"'), *told, b"data: [DONE]\n\n"]
    else:
        tokens = b'"inputTokens":200,"outputTokens":%d,"totalTokens":%d' % (events, 200 + events)
        parts = [
            frame("contentBlockStop", b'{"contentBlockIndex":0}'),
            frame("messageStop", b'{"stopReason":"end_turn"}'),
            frame("metadata", b'{"usage":{' + tokens + b'},"metrics":{"latencyMs":1}}'),
        ]
    return b"".join(map(_chunk, parts)) + b"0\r\n\r\n"


# -- the server -----------------------------------------------------------------------------------------------------
@dataclass
class State:
    """What the ports of one stub share."""

    period: float
    fault: str = "none"
    served: Counter[str] = field(default_factory=Counter)


class Upstream(asyncio.Protocol):
    """One connection. Requests on it are answered one by one."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop, first: bool) -> None:
        self.state, self.loop, self.first = state, loop, first
        self.parser = httptools.HttpRequestParser(self)
        self.url, self.body = b"", b""
        self.timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
            self.state.served["left"] += 1
            self.state.served["open"] -= 1

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    # httptools calls these
    def on_url(self, url: bytes) -> None:
        self.url, self.body = url, b""

    def on_body(self, data: bytes) -> None:
        self.body = self.body + data if self.body else data

    def on_message_complete(self) -> None:
        url, state = self.url, self.state
        if url.startswith((b"/stub", b"/health")):
            self.transport.write(self._told(url))
            return
        fault = state.fault if self.first else "none"
        if fault in FAILED:
            state.served[fault] += 1
            self.transport.write(FAILED[fault])
        elif b"/model/" in url:
            if url.endswith(b"converse-stream"):
                self._stream("bedrock", fault)
            else:
                self._whole(CONVERSE)
        elif url.endswith(b"/v1/messages") and not _STREAM.search(self.body):
            self._whole(MESSAGE)
        elif url.endswith(b"/chat/completions") or b"/chat/completions?" in url:
            if _STREAM.search(self.body):
                self._stream("openai", fault)
            else:
                self._whole(WHOLE)
        else:
            self.transport.write(NOT_FOUND)

    def _whole(self, reply: bytes) -> None:
        self.state.served["whole"] += 1
        self.transport.write(reply)

    def _stream(self, shape: Shape, fault: str) -> None:
        found = _WANTED.search(self.body)
        events = int(found[1]) if found else 50
        self.state.served["streams"] += 1
        self.state.served["open"] += 1
        self.transport.write(OPENING[shape])
        start = self.loop.time() + self.state.period
        self.timer = self.loop.call_at(start, self._tick, shape, start, 0, events, fault == "cut")

    def _tick(self, shape: Shape, start: float, number: int, events: int, cut: bool) -> None:
        if number < events and not (cut and number == CUT_AFTER):
            self.transport.write(event_of(shape, number))
            due = start + (number + 1) * self.state.period
            self.timer = self.loop.call_at(due, self._tick, shape, start, number + 1, events, cut)
            return
        self.timer = None
        self.state.served["open"] -= 1
        if cut:
            self.state.served["cut"] += 1
            self.transport.abort()
        else:
            self.transport.write(closing(shape, events, b'"include_usage"' in self.body))

    def _told(self, url: bytes) -> bytes:
        fault = parse_qs(urlsplit(url.decode("ascii", "replace")).query).get("fault", [None])[0]
        if fault is not None:
            if fault not in FAULTS:
                return _http(b'{"error":"unknown fault"}', "400 Bad Request")
            self.state.fault = fault
        return _http(json.dumps({"fault": self.state.fault, **self.state.served}).encode())


async def serve(ports: list[int], rate: float) -> None:
    """Until the process ends."""
    loop = asyncio.get_running_loop()
    state = State(1 / rate)
    for index, port in enumerate(ports):
        accept = partial(Upstream, state, loop, first=not index)
        await loop.create_server(accept, "127.0.0.1", port, backlog=4096)
    await asyncio.Event().wait()


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--ports", required=True, help="for example 9101,9102")
    given.add_argument("--rate", type=float, default=50.0, help="events a second of a stream")
    asked = given.parse_args()
    uvloop.run(serve([int(port) for port in asked.ports.split(",")], asked.rate))


if __name__ == "__main__":
    main()
