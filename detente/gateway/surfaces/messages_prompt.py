"""Anthropic's turns as messages of a chat completion.

Owns: the system prompt, turns, and the order of what is in them. Not here: single blocks (``messages_blocks``), the
other members of a request (``messages_request``), and replies (``messages_reply``, ``messages_stream``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from detente.gateway.surfaces.answered_once import AnsweredOnce
from detente.gateway.surfaces.messages_blocks import (
    InputMessage,
    Message,
    ToolResult,
    call_of,
    content_of,
    document_of,
    hosted_call,
    image_of,
    is_cited,
    kind_of,
    marked,
    only_text_of,
    read,
    redacted_of,
    reference_of,
    refused,
    text_of,
    thought_of,
)
from detente.gateway.surfaces.told_from import ToldFrom
from detente.live.deployment import Feature
from detente.providers.wire import Refusal

ERROR = "Error:\n"
"""How a tool's failure is told: chat completions have no flag for it, so it is said in words."""


@dataclass
class Prompt:
    """The messages of a call, and what they need of whoever serves it.

    ``marks``: whether they keep the marks up to which a prompt is cached. ``optional``: what may be left out;
    ``left_out``: what is.
    """

    marks: bool = False
    optional: Collection[str] = ()
    left_out: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    told: list[ToldFrom] = field(default_factory=list)
    """Where each of the messages was written."""
    needs: set[Feature] = field(default_factory=set)
    _once: AnsweredOnce = field(default_factory=AnsweredOnce)

    def system(self, content: str | list[msgspec.Raw], where: str) -> None:
        """A system prompt: text, or blocks of text."""
        if isinstance(content, str):
            said: str | list[Message] = content
        else:
            said = content_of([self._kept(only_text_of(raw, f"{where}[{at}]"), raw) for at, raw in enumerate(content)])
        self._tell({"role": "system", "content": said}, ToldFrom(where, where))

    def _tell(self, message: Message, told: ToldFrom) -> None:
        self.messages.append(message)
        self.told.append(told)

    def turns(self, raw: msgspec.Raw) -> None:
        """All turns, in order."""
        turns = read(raw, list[msgspec.Raw], "messages")
        if not turns:
            raise Refusal("`messages` is empty; write at least one turn", "messages")
        role = ""
        for at, turn in enumerate(turns):
            role = self._turn(turn, f"messages[{at}]")
        if role == "assistant":
            what = "chat completions cannot continue the assistant's last turn (prefill)"
            raise Refusal(f"{what}; end `messages` with a turn of the user", f"messages[{len(turns) - 1}]")

    def _turn(self, raw: msgspec.Raw, where: str) -> str:
        turn = read(raw, InputMessage, where)
        role, content = turn.role, turn.content
        if role == "system":
            self.system(content, f"{where}.content")
        elif role not in ("user", "assistant"):
            raise Refusal(f"`{where}.role` is `{role[:40]}`; write `user`, `assistant` or `system`", f"{where}.role")
        elif isinstance(content, str):
            self._tell({"role": role, "content": content}, ToldFrom(where))
        elif role == "user":
            self._user(content, where)
        else:
            self._assistant(content, where)
        if role == "user":
            self._once.goes_on()
        return role

    # -- a user's turn --
    def _user(self, blocks: list[msgspec.Raw], where: str) -> None:
        """Results of tools become messages of their own, and come first."""
        parts: list[Message] = []
        places: list[str] = []
        results, left = 0, False
        for at, raw in enumerate(blocks):
            here = f"{where}.content[{at}]"
            kind = kind_of(raw, here)
            if (part := self._part(kind, raw, here)) is not None:
                parts.append(part)
                places.append(here)
            elif kind != "tool_result":
                self._leave_out(kind, here, "user")
                left = True
            elif parts:
                raise Refusal(f"`{here}` is a tool's result after other content; write results first", here)
            else:
                self._result(raw, here)
                results += 1
        if parts or not (results or left):
            self._tell({"role": "user", "content": content_of(parts)}, ToldFrom(where, places))

    def _part(self, kind: str, raw: msgspec.Raw, here: str) -> Message | None:
        """A block that a user and a tool's result may both hold; None for one of another kind."""
        match kind:
            case "text":
                return self._kept(text_of(raw, here), raw)
            case "image":
                return self._kept(self._image(raw, here), raw)
            case "document":
                return self._kept(document_of(raw, here), raw)
        return None

    def _result(self, raw: msgspec.Raw, where: str) -> None:
        result = read(raw, ToolResult, where)
        if result.toolset_name is not None:
            raise Refusal("chat completions have no toolsets", f"{where}.toolset_name")
        self._once.result(result.tool_use_id, where)
        parts: list[Message] = []
        if isinstance(result.content, str):
            parts.append({"type": "text", "text": result.content})
        for at, block in enumerate(result.content if isinstance(result.content, list) else ()):
            here = f"{where}.content[{at}]"
            kind = kind_of(block, here)
            if (part := self._part(kind, block, here)) is not None:
                parts.append(part)
            elif kind == "tool_reference":
                parts.append(self._kept(reference_of(block, here), block))
            else:
                raise refused(kind, here, "tool")
        if parts:
            parts[-1] = self._kept(parts[-1], raw)
        content, places = content_of(parts), [f"{where}.content[{at}]" for at in range(len(parts))]
        if result.is_error:
            content = ERROR + content if isinstance(content, str) else [{"type": "text", "text": ERROR}, *content]
            places = [where, *places]
        message = {"role": "tool", "tool_call_id": result.tool_use_id, "content": content}
        self._tell(message, ToldFrom(where, places))

    # -- the assistant's turn --
    def _assistant(self, blocks: list[msgspec.Raw], where: str) -> None:
        """Text and calls of tools; a chat completion keeps one after the other.

        Signed thinking begins a message: a turn that was thought in several steps is as many messages.
        """
        message: Message = {"role": "assistant"}
        parts: list[Message] = []
        calls: list[Message] = []
        parts_at: list[str] = []
        calls_at: list[str] = []
        called, left = 0, False
        for at, raw in enumerate(blocks):
            here = f"{where}.content[{at}]"
            match kind_of(raw, here):
                case "text":
                    parts.append(self._kept(self._said(raw, here), raw))
                    parts_at.append(here)
                case "tool_use":
                    call = call_of(raw, here)
                    self._once.call(call["id"], here)
                    calls.append(self._kept(call, raw))
                    calls_at.append(here)
                    called += 1
                case "thinking" | "redacted_thinking" as kind:
                    thought = thought_of(raw, here) if kind == "thinking" else redacted_of(raw, here)
                    if thought and (parts or calls or len(message) > 1):
                        self._say(message, parts, calls, ToldFrom(where, parts_at, calls_at))
                        message, parts, calls, parts_at, calls_at = {"role": "assistant"}, [], [], [], []
                    message |= thought
                case other:
                    self._leave_out(other, here, "assistant")
                    left = True
        if parts or calls or len(message) > 1 or not left:
            self._say(message, parts, calls, ToldFrom(where, parts_at, calls_at))
        if called > 1:
            self.needs.add("parallel-tools")

    def _leave_out(self, kind: str, here: str, turn: str) -> None:
        """Leave out a call of a tool that ran at Anthropic, or its result, where the call may do without."""
        call = hosted_call(kind)
        if not call or "hosted-tools" not in self.optional:
            raise refused(kind, here, turn)
        self.left_out.append(call)

    def _said(self, raw: msgspec.Raw, here: str) -> Message:
        """What the assistant said; what it cited goes with the searches that found it."""
        lenient = "hosted-tools" in self.optional
        if lenient and is_cited(raw, here):
            self.left_out.append("citations")
        return text_of(raw, here, cited=lenient)

    def _say(self, message: Message, parts: list[Message], calls: list[Message], told: ToldFrom) -> None:
        if parts or not calls:
            message["content"] = content_of(parts)
        if calls:
            message["tool_calls"] = calls
        self._tell(message, told)

    def _kept(self, part: Message, raw: msgspec.Raw) -> Message:
        """A part of a block, with its mark where marks are kept."""
        return marked(part, raw) if self.marks else part

    def _image(self, raw: msgspec.Raw, where: str) -> Message:
        self.needs.add("images")
        return image_of(raw, where)
