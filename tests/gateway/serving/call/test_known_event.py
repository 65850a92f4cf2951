"""An event like the one before it is passed on unread, and is told and noted as if it had been read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.http.exchange import Exchange, RequestHead
from detente.gateway.http.outbox import Outbox
from detente.gateway.serving.call.job import UNREAD, Job
from detente.gateway.serving.call.known_event import MAX_TEXT, KnownEvent
from detente.gateway.serving.call.passage import Passage
from detente.gateway.serving.call.stream import Stream
from detente.gateway.surfaces.chat import ChunkRendering
from detente.gateway.surfaces.messages_native import NativeRendering
from detente.gateway.surfaces.surface import Rendering, StreamHead
from detente.gateway.upstream import Patience
from detente.gateway.upstream.connection import UpstreamConnection
from detente.gateway.upstream.deadline_sweep import Sweep
from detente.gateway.upstream.origin import Origin
from detente.providers.chat_stream import ChatDecoder
from detente.providers.messages_stream import MessagesDecoder
from detente.providers.wire import Decoder, StreamPart
from tests.gateway.script import DONE, LAST, SSE, chunked
from tests.gateway.serving.call.test_stream import CHOICE

SECRET = "sk-ours-9f2c"
SLOW, FREE = b"slow", b"free"
"""In place of bytes: the caller takes no more, or takes more again."""


# -- what providers say -----------------------------------------------------------------------------------------------
class Said(NamedTuple):
    """A shape: its decoder, its rendering, how a stream of it begins and ends, and an event about a text."""

    decoder: type[Decoder]
    rendering: type[Rendering]
    opens: bytes
    ends: bytes
    about: bytes


def data(value: object, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + tight(value) + b"\n\n"


def tight(value: object) -> bytes:
    """As most providers write JSON: without blanks between members."""
    return json.dumps(value, separators=(",", ":")).encode()


def chunk(finish: str | None = None, **delta: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return data({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "theirs", "choices": [choice]})


def piece(kind: str, text: str, index: int = 0) -> bytes:
    delta = {"type": f"{kind}_delta", kind: text}
    return data({"type": "content_block_delta", "index": index, "delta": delta}, "content_block_delta")


def block(kind: str, **more: object) -> bytes:
    return data({"type": kind, **more}, kind)


CHAT = Said(
    ChatDecoder, ChunkRendering, chunk(role="assistant", content=""), chunk("stop") + DONE, chunk(content="TEXT")
)
MESSAGES = Said(
    MessagesDecoder,
    NativeRendering,
    block("message_start", message={"model": "theirs", "usage": {"input_tokens": 3, "output_tokens": 1}})
    + block("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    block("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5}) + block("message_stop"),
    piece("text", "TEXT"),
)
SHAPES = {"chat": CHAT, "messages": MESSAGES}


# -- a stream from a provider's socket to its caller's ---------------------------------------------------------------
class Socket:
    """Either side's."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.drain: asyncio.Future[None] | None = None
        self.internal = False

    def write(self, sent: bytes) -> None:
        self.sent.append(sent)

    def replied(self, keep: bool) -> None:
        pass

    def abort(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Seen(NamedTuple):
    """What a caller was sent, without the framing; and what was noted."""

    told: bytes
    pieces: int
    finish: str | None
    tokens: object
    failure: object
    over: bool
    stirred: bool
    sent: list[int]
    """How many writes its caller had been given whenever it took more again."""


def unchunked(sent: bytes) -> bytes:
    """What is in a reply's chunks; it need not be over. Every chunk is whole."""
    _, _, rest = sent.partition(b"\r\n\r\n")
    found = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        found += rest[:length]
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
    return found


async def seen(said: Said, reads: Sequence[bytes]) -> Seen:
    """What comes of a reply that is read so."""
    loop, way, provider = asyncio.get_running_loop(), Socket(), Socket()
    nothing = lambda *_: None  # noqa: E731
    pool = SimpleNamespace(
        origin=Origin("http", "provider", 80),
        outbox=Outbox(loop),
        sweep=Sweep(keep=60),
        opened=nothing,
        release=nothing,
        lost=nothing,
    )
    connection = UpstreamConnection(cast(Any, pool), loop)
    connection.connection_made(cast(Any, provider))
    incoming = connection.begin(b"POST / HTTP/1.1\r\n\r\n", b"", loop.time() + 600, Patience(600, 600))
    connection.flush()
    connection.data_received(SSE)
    held = SimpleNamespace(settings=SimpleNamespace(buffers=False, goes_on=False))
    surface = SimpleNamespace(streamed=lambda *_: said.rendering("ours"))  # type: ignore[call-arg]
    job = cast(Job, SimpleNamespace(surface=surface, asked=None, head=StreamHead(), held=held))
    caller = Exchange(RequestHead(), b"", cast(Any, way))
    stream = Stream(job, UNREAD, CHOICE, caller, lambda *_: b"x-told: 1\r\n")
    made = said.decoder(True) if said is CHAT else said.decoder()  # type: ignore[call-arg]
    deployed = SimpleNamespace(wire=SimpleNamespace(decoder=lambda *_: made), id="there", base="", deployment=None)
    call = SimpleNamespace(caller=caller, deployed=deployed, secrets=lambda: (SECRET,))
    passing = asyncio.Task(Passage(cast(Any, call), stream, incoming, lambda: None).all(), loop=loop)
    await asyncio.sleep(0)
    sent = []
    for read in reads:
        if read == SLOW and way.drain is None:
            way.drain = loop.create_future()
        elif read in (SLOW, FREE):
            if way.drain is not None:
                sent.append(len(way.sent))
                way.drain.set_result(None)
                way.drain = None
            for _ in range(3):
                await asyncio.sleep(0)
        elif not (connection.closing or passing.done()):
            incoming.stirred = False
            connection.data_received(read)
    stirred = incoming.stirred
    if way.drain is not None:
        way.drain.set_result(None)
        way.drain = None
    if not connection.closing:
        connection.connection_lost(None)
    last = await passing
    pool.sweep.stop()
    return Seen(
        unchunked(b"".join(way.sent)),
        stream.pieces,
        stream.finish or last.finish,
        stream.tokens or last.tokens,
        last.failure,
        last.done,
        stirred,
        sent,
    )


@contextmanager
def nothing_known() -> Iterator[None]:
    """Each event is read."""
    known, KnownEvent.passes = KnownEvent.passes, lambda self, data: False  # type: ignore[method-assign]
    try:
        yield
    finally:
        KnownEvent.passes = known  # type: ignore[method-assign]


# -- the law ----------------------------------------------------------------------------------------------------------
TEXTS: list[bytes] = [
    *(
        b"x",
        b" word",
        b"y" * 90,
        b"z" * MAX_TEXT,
        b"z" * (MAX_TEXT + 1),
        b"",
        b"a\\nb",
        b'a \\"quoted\\" one',
        b"a\\\\",
        b"\\u0061",
    ),
    *("é".encode(), "日本".encode(), "日".encode()[:2], b"\xff", b"\xc0\x80", b"\xed\xa0\x80"),
    *(b"a\rb", b"a\nb", b"\x00", b"\t", b"\x7f", b"a\\", b"\\x", b'","finish_reason":"stop', b'"}}\n\n', b"[DONE]"),
    *(
        SECRET.encode(),
        b"it is " + SECRET.encode(),
        b"sk\\u002dours-9f2c",
        SECRET[:6].encode(),
        SECRET[:9].encode(),
        SECRET[9:].encode(),
        b"9f2c",
        b"\\n" + SECRET.encode(),
    ),
]
OTHERS = {
    CHAT: [
        *(
            chunk("stop"),
            chunk("length", content="x"),
            chunk(tool_calls=[{"index": 0, "id": "a"}]),
            DONE,
            b": alive\n\n",
        ),
        *(
            data({"error": {"message": SECRET}}),
            data({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        ),
        chunk(content="x").replace(b'"index":0', b'"index":1'),
        chunk(content="x").replace(b'"model":"theirs"', b'"model":"another"'),
        chunk(content="x").replace(b"}\n\n", b',"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'),
        chunk(content="x").replace(b"null", b'"ok"'),
        chunk(content="x")[:-1],
    ],
    MESSAGES: [
        *(MESSAGES.ends, DONE, b": alive\n\n", block("ping"), piece("text", "x", 1), piece("thinking", "x"), b"\n\n"),
        block("error", error={"type": "overloaded_error", "message": SECRET}),
        block("message_delta", delta={"stop_reason": "max_tokens"}, usage={"output_tokens": 5}),
        piece("text", "x").replace(b"}}\n\n", b'},"error":{"type":"api_error"}}\n\n'),
        piece("text", "x").replace(b"}}\n\n", b"} }\n\n"),
        piece("text", "x").replace(b"}}\n\n", b"}]\n\n"),
        piece("text", "x")[:-1],
    ],
}


def framed(event: bytes, way: str, at: int) -> list[bytes]:
    """An event as it may be read from a socket."""
    one = chunked(event)
    match way:
        case "two in a read":
            return [one + one]
        case "cut":
            return [one[: at % len(one)], one[at % len(one) :]]
        case "in two chunks":
            return [chunked(event[: at % len(event) or 1]), chunked(event[at % len(event) or 1 :])] if event else []
        case "with the next head":
            return [one + b"%x" % len(one), b"\r\n" + one + b"\r\n"]
        case "a digit of the next head":
            return [one + b"1", one]
        case "a chunk within one":
            return [b"%x\r\n" % (2 * len(one)), one, one, b"\r\n"]
        case "capitals":
            return [b"%X\r\n%b\r\n" % (len(event), event)]
        case "zeros":
            return [b"0" + one]
        case "extended":
            return [b"%x;a=b\r\n%b\r\n" % (len(event), event)]
        case "wrong length":
            return [b"%x\r\n%b\r\n" % (len(event) + 1, event)]
        case "crlf":
            return [chunked(event.replace(b"\n", b"\r\n"))]
        case "last head":
            return [b"0\r\n", one]
    return [one]


WAYS = [
    *(["whole"] * 6),
    "two in a read",
    "cut",
    "in two chunks",
    "with the next head",
    "a chunk within one",
    "capitals",
]
WAYS += ["a digit of the next head", "zeros", "extended", "wrong length", "crlf", "last head"]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Said, list[bytes]]:
    """A stream that has begun with three plain events, and what is read after them."""
    said = draw(st.sampled_from([CHAT, MESSAGES]))
    plain = st.sampled_from([b" one", b" more", b"x"])
    text = plain | st.sampled_from(TEXTS) | plain
    event = text.map(lambda found: said.about.replace(b"TEXT", found))
    read = st.tuples(event | event | st.sampled_from(OTHERS[said]), st.sampled_from(WAYS), st.integers(0, 400))
    steps = draw(st.lists(read | read | st.sampled_from([SLOW, FREE]), max_size=7))
    reads = [chunked(said.opens), *[chunked(said.about)] * 3]
    for step in steps:
        reads += [step] if isinstance(step, bytes) else framed(*step)
    return said, [read for read in [*reads, chunked(said.ends) + LAST] if read]


def alone() -> Iterator[tuple[Said, list[bytes]]]:
    """One odd thing at a time, within plain events; each odd text also where the caller is slow."""
    for said in SHAPES.values():
        begun, plain = [chunked(said.opens), *[chunked(said.about)] * 3], chunked(said.about)
        odd = [said.about.replace(b"TEXT", text) for text in TEXTS] + OTHERS[said]
        for event in odd:
            yield said, [*begun, chunked(event), plain, chunked(said.ends) + LAST]
        for cut in (7, 8, 11):  # of eight letters, and not of seven, it is held until the next has come
            halves = [said.about.replace(b"TEXT", half.encode()) for half in (SECRET[:cut], SECRET[cut:], SECRET[:cut])]
            yield said, [*begun, *map(chunked, halves), plain, chunked(said.ends) + LAST]
        yield said, [*begun, SLOW, plain, plain, FREE, plain, chunked(said.ends) + LAST]
        for way, at in ((way, at) for way in WAYS[5:] for at in (1, 4, 50, len(plain) - 1)):
            yield said, [*begun, *framed(said.about, way, at), plain, plain, chunked(said.ends) + LAST]


def test_each_odd_event_is_told_and_noted_as_if_it_were_read() -> None:
    for said, reads in alone():
        found = asyncio.run(seen(said, reads))
        with nothing_known():
            assert found == asyncio.run(seen(said, reads)), reads


@given(streams())
def test_a_stream_is_told_and_noted_as_if_each_event_were_read(drawn: tuple[Said, list[bytes]]) -> None:
    """Also where its provider is hostile, or its caller slow."""
    found = asyncio.run(seen(*drawn))
    with nothing_known():
        assert found == asyncio.run(seen(*drawn))


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_like_the_one_before_it_is_not_read(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the fourth on: those before show that more are like them. A text may be long or short, or hold escapes."""
    said = SHAPES[shape]
    read: list[bytes] = []
    feed = said.decoder.feed

    def noted(self: Decoder, given: bytes) -> StreamPart:
        read.append(given)
        return feed(self, given)

    monkeypatch.setattr(said.decoder, "feed", noted)
    texts = [
        b"one",
        b" two",
        b" three",
        "é".encode(),
        b"a\\nb",
        b'\\"four\\"',
        b"five" * 30,
        *(b"n" * length for length in range(8, 14)),
    ]
    events = [said.about.replace(b"TEXT", text) for text in texts]
    reads = [*map(chunked, events[:4]), *(b"%X\r\n%b\r\n" % (len(event), event) for event in events[4:])]
    assert reads != list(map(chunked, events))  # a length has a letter
    found = asyncio.run(seen(said, [chunked(said.opens), *reads, chunked(said.ends) + LAST]))
    assert read == [said.opens, *events[:3], said.ends]
    assert found.pieces == len(events)
    assert (found.failure, found.over) == (None, True)
    for event in events:
        assert event.replace(b"theirs", b"ours") in found.told


@pytest.mark.parametrize("tag", [SECRET, SECRET[:9], "".join(f"\\u{ord(letter):04x}" for letter in SECRET)])
def test_an_event_that_holds_a_secret_beside_its_text_is_read_each_time(tag: str) -> None:
    """However it is spelled there."""
    about = MESSAGES.about.replace(b'"index":0', b'"tag":"%b","index":0' % tag.encode())
    said = MESSAGES._replace(about=about)
    found = asyncio.run(seen(said, [chunked(said.opens), *[chunked(about)] * 6, chunked(said.ends) + LAST]))
    assert found.told.count(b"TEXT") == 6
    assert found.told.count(b"[credential]") == (0 if tag == SECRET[:9] else 6)
    assert found.told.count(tag.encode()) == (6 if tag == SECRET[:9] else 0)


def test_such_an_event_is_life_of_its_provider() -> None:
    """Else a stream of nothing else would be cut for its silence."""
    assert asyncio.run(seen(CHAT, [chunked(CHAT.opens), *[chunked(CHAT.about)] * 4])).stirred
