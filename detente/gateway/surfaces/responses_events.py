"""Chunks of a chat completion as the events of a response.

Owns: which item is open, and the order of events. Items never overlap: they are told one after the other. Not here:
the first events and their numbers (``responses_head``), items themselves (``responses_reply``), and streams that pass
through (``responses``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from detente.gateway.surfaces.citations import Citation, as_annotation, in_text
from detente.gateway.surfaces.completion import Delta, LaterDelta, LaterThought, chunk_of
from detente.gateway.surfaces.responses_head import ResponseHead
from detente.gateway.surfaces.responses_reply import (
    WHY,
    Plain,
    called,
    input_of,
    is_cut,
    own_id,
    reasoning,
    refusal_part,
    said,
    shell,
    text_part,
)
from detente.gateway.surfaces.responses_thought import packed
from detente.gateway.surfaces.responses_tools import ToolName
from detente.gateway.surfaces.surface import Asked, BlockPlace, Rendering, UnsayableError
from detente.providers import sse
from detente.providers.openai_usage import tokens_of
from detente.providers.tool_calls import new_id
from detente.providers.wire import Tokens

MAX_HELD = 8 * 1024 * 1024
"""How much of a reply's text and calls is held, in characters: a response says at its end all that it said."""

_TOLD = {"text": "output_text", "refusal": "refusal"}
"""How the events of a part are called, by its kind."""


@dataclass(slots=True)
class _Calling:
    """A call of a tool, as far as it has come."""

    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)


class ResponseEvents(Rendering):
    """Renders one stream."""

    def __init__(self, asked: Asked, head: ResponseHead) -> None:
        self._asked, self._head = asked, head
        self._say = head.say
        self._events = sse.Events()
        self._open = ""
        """The kind of the item that is open: ``message``, ``reasoning``, or none."""
        self._output: list[Plain] = []
        self._part = ""
        """The kind of the part of the message that is open."""
        self._parts: list[Plain] = []
        """Those of it that are closed."""
        self._text: list[str] = []
        self._before = 0
        """The characters of text that stand in parts before it, from which places are counted."""
        self._cited: list[Citation] = []
        """What is cited, and was not told yet."""
        self._sources: list[Citation] | None = None
        """What stands beside the text that may be cited in it; empty once it was told."""
        self._thought: list[str] = []
        self._kept: dict[str, Any] = {}
        """What the model wants back of its thought."""
        self._later: list[LaterThought] = []
        self._refused = False
        self._calls: dict[int, _Calling] = {}
        self._held = 0
        self._finish: str | None = None
        self._tokens: Tokens | None = None
        self._whole = b""

    def feed(self, data: bytes) -> bytes:
        """Events for what these chunks hold. Raises ``UnsayableError``."""
        return b"".join([piece for event in self._events.feed(data) for piece in self._chunk(event)])

    def goes_on(self, asked: Asked, deployment: str, place: BlockPlace) -> None:
        """The response at the end names the model that ended it."""
        self._asked = msgspec.structs.replace(self._asked, served_by=asked.served_by)

    def close(self) -> bytes:
        """The last items' ends, and the whole response."""
        status = "incomplete" if self._finish in WHY and not self._calls else "completed"
        pieces = [*self._begin(), *self._answered(), *self._end(status), *self._told_later(), *self._told_calls()]
        finish = "content_filter" if self._refused else self._finish or "stop"
        head = self._head
        head.over = True
        whole = shell(self._asked, head.own, head.created, self._output, finish, self._tokens)
        self._whole = msgspec.json.encode(whole)
        pieces.append(self._say(str(whole["status"]), response=msgspec.Raw(self._whole)))
        return b"".join(pieces)

    def whole(self) -> bytes:
        """The response."""
        return self._whole

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """OpenAI's event for an error."""
        return self._head.failed(error)

    # -- one chunk --
    def _chunk(self, event: bytes) -> Iterator[bytes]:
        chunk = chunk_of(event, "response")
        if chunk is None:
            return
        if bytes(chunk.usage) != b"null":
            self._tokens = tokens_of(chunk.usage)
        if (chunk.citations or chunk.search_results) and self._sources != []:
            self._sources = chunk.sources or None
        yield from self._begin(chunk.id, chunk.created)
        for choice in chunk.choices or ():
            if isinstance(choice.delta, Delta):
                yield from self._delta(choice.delta)
            self._finish = choice.finish_reason or self._finish

    def _delta(self, delta: Delta) -> Iterator[bytes]:
        if thought := delta.reasoning_content:
            yield from self._into("reasoning")
            self._hold(self._thought, thought)
            yield self._say("reasoning_summary_text.delta", delta=thought, **self._place(summary_index=0))
        for name in ("reasoning_signature", "reasoning_redacted"):
            if kept := getattr(delta, name):
                yield from self._into("reasoning")
                self._kept[name] = kept
        for piece in delta.later_reasoning or ():
            self._think(piece)
        self._cited += delta.annotations
        for kind, text in (("text", delta.content), ("refusal", delta.refusal)):
            if text:
                self._refused |= kind == "refusal"
                yield from self._into_part(kind)
                self._hold(self._text, text)
                more: Plain = {"logprobs": []} if kind == "text" else {}
                yield self._say(
                    f"{_TOLD[kind]}.delta", delta=text, **more, **self._place(content_index=len(self._parts))
                )
        for call in delta.tool_calls or ():
            calling = self._calls.setdefault(call.index, _Calling())
            calling.id = calling.id or call.id
            if call.function is not None:
                calling.name = calling.name or call.function.name or ""
                self._hold(calling.pieces, call.function.arguments)

    def _hold(self, pieces: list[str], text: str) -> None:
        self._count(text)
        pieces.append(text)

    def _count(self, text: str) -> None:
        self._held += len(text)
        if self._held > MAX_HELD:
            raise UnsayableError(f"the model says more than {MAX_HELD:,} characters")

    def _think(self, piece: LaterDelta) -> None:
        """A piece of a thought that does not begin the reply. It is told at the end, with its place in the reply."""
        if piece.index == len(self._later):
            self._later.append(LaterThought(piece.characters, piece.calls))
        if not 0 <= piece.index < len(self._later):
            raise UnsayableError("the provider sent a piece of a thought that had not begun")
        thought, text = self._later[piece.index], piece.reasoning_content or ""
        self._count(text)
        thought.reasoning_content += text
        thought.reasoning_signature += piece.reasoning_signature or ""
        thought.reasoning_redacted += piece.reasoning_redacted or ""

    # -- items --
    def _begin(self, completion: str | None = None, created: int = 0) -> Iterator[bytes]:
        if not self._head.own:
            yield self._head.begin(self._asked, own_id(completion), created)

    def _into(self, kind: str) -> Iterator[bytes]:
        """Open an item of a kind, unless it is open."""
        if self._open == kind:
            return
        yield from self._end()
        self._open = kind
        if kind == "reasoning":
            yield self._added(reasoning(self._item, "", None))
            empty = {"type": "summary_text", "text": ""}
            yield self._say("reasoning_summary_part.added", part=empty, **self._place(summary_index=0))
        else:
            yield self._added(said(self._item, [], "in_progress"))

    def _into_part(self, kind: str) -> Iterator[bytes]:
        """Open a part of a message, of a kind, unless it is open."""
        yield from self._into("message")
        if self._part == kind:
            return
        yield from self._end_part()
        self._part = kind
        yield self._say(
            "content_part.added",
            part=text_part("") if kind == "text" else refusal_part(""),
            **self._place(content_index=len(self._parts)),
        )

    def _end_part(self) -> Iterator[bytes]:
        """Close the part that is open."""
        if not self._part:
            return
        text = "".join(self._text)
        told: Plain = {"text": text, "logprobs": []} if self._part == "text" else {"refusal": text}
        part, place = refusal_part(text), self._place(content_index=len(self._parts))
        if self._part == "text":
            cited = self._cites(text)
            part = text_part(text, cited)
            for at, one in enumerate(cited):
                added = {"annotation": as_annotation(one), "annotation_index": at}
                yield self._say("output_text.annotation.added", **added, **place)
        yield self._say(f"{_TOLD[self._part]}.done", **told, **place)
        yield self._say("content_part.done", part=part, **place)
        self._parts.append(part)
        self._part, self._text = "", []

    def _cites(self, text: str) -> list[Citation]:
        """What the part of text that ends cites, with places in that part."""
        back = self._before
        cited = [one if one.start is None else one.moved(-back) for one in self._cited]
        found = in_text(text, cited, self._sources or ())
        self._before += len(text)
        self._cited, self._sources = [], self._sources and []
        return found

    def _answered(self) -> Iterator[bytes]:
        """A response that calls nothing holds a message, if only an empty one, and so does one that cites more."""
        if self._cited or self._sources:
            yield from self._into_part("text")
        if not self._calls and self._open != "message" and all(item["type"] != "message" for item in self._output):
            yield from self._into_part("text")

    def _end(self, status: str = "completed") -> Iterator[bytes]:
        """Close the item that is open."""
        if self._open == "reasoning":
            thought = "".join(self._thought)
            yield from self._thought_through(thought, {"reasoning_content": thought, **self._kept})
            self._thought, self._kept = [], {}
        elif self._open == "message":
            yield from self._end_part()
            yield self._done(said(self._item, self._parts, status))
            self._parts = []
        self._open = ""

    def _thought_through(self, thought: str, kept: Mapping[str, Any]) -> Iterator[bytes]:
        """The end of an item of reasoning."""
        part, place = {"type": "summary_text", "text": thought}, self._place(summary_index=0)
        yield self._say("reasoning_summary_text.done", text=thought, **place)
        yield self._say("reasoning_summary_part.done", part=part, **place)
        yield self._done(reasoning(self._item, thought, packed(kept)))

    def _told_later(self) -> Iterator[bytes]:
        """The thoughts that came later, as one item: what began the reply was told long before."""
        if not self._later:
            return
        yield from self._into("reasoning")
        text = "\n\n".join(later.reasoning_content for later in self._later if later.reasoning_content)
        if text:
            yield self._say("reasoning_summary_text.delta", delta=text, **self._place(summary_index=0))
        yield from self._thought_through(text, {"later_reasoning": msgspec.to_builtins(self._later)})
        self._open = ""

    def _told_calls(self) -> Iterator[bytes]:
        """The calls of tools, one after the other: providers may write several at once, and clients read each whole."""
        for at, calling in enumerate(self._calls.values()):
            arguments = "".join(calling.pieces)
            if not calling.name:
                raise UnsayableError("the provider's call of a tool names no tool")
            calling.id = calling.id or new_id()
            if self._finish == "length" and is_cut(arguments, last=at + 1 == len(self._calls)):
                continue  # a part of an input is not an input
            known = self._asked.tools.get(calling.name) or ToolName(calling.name)
            parts = (self._head.own, at, calling.id, calling.name, arguments, self._asked.tools)
            begun = called(*parts, done=False)
            yield self._added(begun)
            place = {"item_id": begun["id"], "output_index": len(self._output)}
            if known.kind == "custom":
                given = input_of(arguments, known.name)
                yield self._say("custom_tool_call_input.delta", delta=given, **place)
                yield self._say("custom_tool_call_input.done", input=given, **place)
            elif known.kind == "function":
                yield self._say("function_call_arguments.delta", delta=arguments or "{}", **place)
                yield self._say("function_call_arguments.done", arguments=arguments or "{}", **place)
            yield self._done(called(*parts))

    @property
    def _item(self) -> str:
        """What the id of the next item is made of: of several of a kind, each has its own."""
        return f"{self._head.own}{len(self._output) or ''}"

    def _place(self, **more: int) -> Plain:
        kind = "rs" if self._open == "reasoning" else "msg"
        return {"item_id": f"{kind}_{self._item}", "output_index": len(self._output), **more}

    def _added(self, item: Plain) -> bytes:
        return self._say("output_item.added", output_index=len(self._output), item=item)

    def _done(self, item: Plain) -> bytes:
        told = self._say("output_item.done", output_index=len(self._output), item=item)
        self._output.append(item)
        return told
