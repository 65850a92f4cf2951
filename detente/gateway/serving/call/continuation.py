"""A continuation: how another deployment goes on with a stream that broke off. Pure.

Owns: what a stream of chat chunks has said so far, as far as another can go on with it, and the call by which it is
asked to. Not here: the same in other shapes (``said_message``, ``said_response``), whether a case wants that
(``key_settings``), and who can (``going_on``).
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Protocol

import msgspec

from detente.gateway.surfaces.surface import Asked, BlockPlace
from detente.live.deployment import Continues
from detente.providers import sse
from detente.providers.openai_compatible import choices_of
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call

_THOUGHT = frozenset({"reasoning", "reasoning_content", "reasoning_signature"})
_SAID = frozenset({"role", "content", *_THOUGHT})
"""Members of a delta after which another may go on: text, which it is told, and thoughts, which it has of its own."""
_WORDS = re.compile(r"[A-Za-z\u00c0-\u052f]+|\S")
"""Words of alphabets in which one is mostly a token; of other text, each sign."""
_LIMITS = {"responses": ("max_output_tokens",)}
"""Members that limit how many tokens are made, by the shape of a call; of others those of a chat completion."""
_OF_CHAT = ("max_completion_tokens", "max_tokens")
_BOUND = (
    "response_format",
    "structured_outputs",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "grammar",
    "json_schema",
    "regex",
    "ebnf",
)
"""Members that bind the text to a form: whoever goes on would begin that form anew."""
_FREE = (b"null", b'{"type":"text"}', b"{}")


class _Choice(msgspec.Struct):
    delta: dict[str, Any] | None = None
    index: int = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    id: Any = None
    created: Any = None
    model: Any = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_MESSAGES = msgspec.json.Decoder(list[msgspec.Raw])


class Said:
    """The text of one stream; of chat chunks, unless another shape says how it is read."""

    of_shown: ClassVar[bool] = False
    """Whether it is read of what its caller is shown, which is in the same shape, and not of what came."""
    __slots__ = ("_last", "_pieces", "plain")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._last = _Chunk()
        self.plain = True
        """Whether it is nothing but the text of one answer: nobody can go on within a call of a tool."""

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._pieces)

    @property
    def place(self) -> BlockPlace:
        """Where within its blocks its caller is; chunks have none."""
        return BlockPlace()

    def take(self, data: bytes) -> None:
        """Note what whole events say."""
        for event in sse.split(data):
            if said := sse.data_of(event):
                self._read(said)

    def _read(self, data: bytes) -> None:
        try:
            chunk = _CHUNK.decode(data)
        except UNREADABLE:
            self.plain = False
            return
        if chunk.choices is None and bytes(chunk.usage) == b"null":
            self.plain = False  # no chunk of a completion
        self._last = chunk
        for choice in chunk.choices or ():
            delta = choice.delta or {}
            if choice.index or any(value for name, value in delta.items() if name not in _SAID):
                self.plain = False
            if isinstance(content := delta.get("content"), str):
                self._pieces.append(content)

    def tokens_of(self, pieces: int) -> int:
        """About how many tokens so many pieces are: a token each; a word, where the text came letter by letter."""
        said = [piece for piece in self._pieces if piece]
        if not said or any(len(piece) > 1 for piece in said):
            return pieces
        return max(1, pieces * len(_WORDS.findall(self.text)) // len(said))

    def at_its_limit(self, *, asks_usage: bool) -> bytes:
        """The events by which it ends where it has all the tokens that its caller allowed; usage not told is null."""
        last, end = self._last, {"index": 0, "delta": {}, "finish_reason": "length"}
        head = {"id": last.id, "object": "chat.completion.chunk", "created": last.created, "model": last.model}
        found = sse.event(msgspec.json.encode({**head, "choices": [end]}))
        return found + sse.event(msgspec.json.encode({**head, "choices": [], "usage": last.usage})) * asks_usage


def continuable(call: Call) -> bool:
    """Whether another may go on with the stream of a call: one answer is asked for, as a chat, in no stated form."""
    return call.operation == "chat" and choices_of(call) == 1 and not is_bound(call)


def is_bound(call: Call) -> bool:
    """Whether members that inference servers know bind its text to a form."""
    stated = (bytes(call.members.get(name, b"null")) for name in _BOUND)
    return any(b"".join(text.split()) not in _FREE for text in stated)


def is_spent(call: Call, tokens: int) -> bool:
    """Whether so many are all the tokens that a call allows: nothing is left to ask for."""
    return any(left <= 0 for left in left_of(call, tokens).values())


class Broken(Protocol):
    """A stream that broke off."""

    @property
    def asked(self) -> Asked:
        """What was asked for, in the shape of the stream."""

    @property
    def said(self) -> Said | None:
        """What it had said."""

    @property
    def pieces(self) -> int:
        """In how many pieces."""


def continued(call: Call, text: str, tokens: int, how: Continues | None) -> Call | None:
    """The call by which a deployment goes on after some text of so many tokens; None where it cannot be told so.

    Where no text was given yet, the call is as it was. A limit of tokens is less by those.
    """
    if not text:
        return call
    if how is None or text != text.rstrip():  # Claude refuses a beginning that ends with a blank
        return None
    messages = _with_beginning(call.members.get("messages", msgspec.Raw(b"[]")), text, how)
    if messages is None:
        return None
    changed: dict[str, Any] = {"messages": messages, **left_of(call, tokens)}
    if how == "vllm":
        changed |= {"add_generation_prompt": False, "continue_final_message": True}
    members = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in changed.items()}
    return msgspec.structs.replace(call, members={**call.members, **members})


def _with_beginning(messages: msgspec.Raw, text: str, how: Continues) -> list[Any] | None:
    """The messages, and the text as the beginning of the answer; a caller may have begun it itself."""
    try:
        said = _MESSAGES.decode(messages)
        last = msgspec.json.decode(said[-1]) if said else {}
    except UNREADABLE:
        return None
    if not isinstance(last, dict):
        return None
    content: Any = text
    if last.get("role") == "assistant":
        content, said = lengthened(last.get("content"), text), said[:-1]
        if content is None:
            return None
    answer = {"role": "assistant", "content": content}
    return [*said, answer | ({"prefix": True} if how == "prefix" else {})]


def lengthened(begun: Any, text: str, kind: str = "text") -> Any:
    """A caller's own beginning, as text or in blocks, and some text more; None where it does not end with text.

    ``kind`` is what a block of text is called.

    It stays in its caller's form, which who goes on is to take as whoever began took it.
    """
    if isinstance(begun, str):
        return begun + text
    last = begun[-1] if isinstance(begun, list) and begun else None
    if not isinstance(last, dict) or last.get("type") != kind or not isinstance(last.get("text"), str):
        return None
    return [*begun[:-1], {**last, "text": last["text"] + text}]


def left_of(call: Call, tokens: int) -> dict[str, int]:
    """The limits of tokens that a call states, less what was made."""
    found = {}
    for name in _LIMITS.get(call.operation, _OF_CHAT):
        stated = call.members.get(name)
        if stated is not None and bytes(stated) != b"null":
            found[name] = msgspec.json.decode(stated, type=int) - tokens
    return found
