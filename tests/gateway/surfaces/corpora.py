"""The corpus of shapes, and clients that nobody here wrote, which read what the surfaces answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from detente.gateway.surfaces.messages import MessagesSurface, as_chat
from detente.gateway.surfaces.surface import Asked, Rendering
from detente.providers.wire import Tokens
from tests.drawing import MORE

CORPUS = Path(__file__).parent / "corpus"
MESSAGES = MessagesSurface()
PLAIN = {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
Data = dict[str, Any]

LAW = settings(deadline=None, derandomize=MORE == 1, database=None, max_examples=60 * MORE)
FUZZ = settings(LAW, max_examples=170 * MORE, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def corpus(kind: str) -> list[str]:
    return sorted(file.stem for file in (CORPUS / kind).glob("*.json"))


def shape(kind: str, name: str = "") -> Data:
    file = CORPUS / kind / f"{name}.json" if name else CORPUS / f"{kind}.json"
    found: Data = json.loads(file.read_text(encoding="utf-8"))
    return found


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def asked(**changed: Any) -> Asked:
    """What the plain request asks, changed: as a chat completion."""
    return translated(dumped(PLAIN | changed))


def translated(body: bytes) -> Asked:
    """What a request of Anthropic's asks, as a chat completion."""
    return as_chat(MESSAGES.ask(body))


def tokens(counts: Iterable[int] | None) -> Tokens | None:
    return None if counts is None else Tokens(*counts)


def event(data: Any) -> bytes:
    return b"data: " + dumped(data) + b"\n\n"


def events(rendered: bytes) -> list[tuple[str, Data]]:
    """(name, data) of each event; comments are none."""
    found = []
    for text in rendered.decode().split("\n\n")[:-1]:
        if text.startswith(":"):
            continue
        name, data = text.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def rendered(rendering: Rendering, stream: bytes, cuts: Iterable[int] = ()) -> bytes:
    """A whole stream, fed in pieces."""
    edges = [0, *sorted(cuts), len(stream)]
    return b"".join(rendering.feed(stream[a:b]) for a, b in pairwise(edges)) + rendering.close()


Answer = Callable[[httpx2.Request], httpx2.Response]


def answering(body: bytes, status: int = 200, *, stream: bool = False) -> httpx2.Client:
    """An HTTP client whose every request is answered alike."""
    kind = "text/event-stream" if stream else "application/json"
    answer: Answer = lambda _: httpx2.Response(status, headers={"content-type": kind}, content=body)  # noqa: E731
    return httpx2.Client(transport=httpx2.MockTransport(answer))


@contextmanager
def anthropic_client(body: bytes, status: int = 200, *, stream: bool = False) -> Iterator[anthropic.Anthropic]:
    http = answering(body, status, stream=stream)
    with anthropic.Anthropic(api_key="none", http_client=http, max_retries=0) as client:
        yield client


@contextmanager
def openai_client(body: bytes, status: int = 200, *, stream: bool = False) -> Iterator[openai.OpenAI]:
    http = answering(body, status, stream=stream)
    with openai.OpenAI(api_key="none", http_client=http, max_retries=0) as client:
        yield client


def accumulated(stream: bytes) -> Mapping[str, Any]:
    """The message that Anthropic's client makes of a stream."""
    with (
        anthropic_client(stream, stream=True) as client,
        client.messages.stream(
            model="claude", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
        ) as reading,
    ):
        return reading.get_final_message().to_dict()
