"""The ids of a conversation's calls of tools, each of its own.

Owns: telling calls apart that some models number anew in each turn (``call_0`` again): Claude refuses an id that comes
twice; that each has its result right after it; and inputs as a provider takes them. Not here: calls
and results as blocks (``turns``), and ids as a provider takes them (``providers/tool_use_ids``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from detente.providers.bedrock.content_parts import refused
from detente.providers.unreadable import UNREADABLE

UNREAD = "INVALID_JSON"
"""The member that holds arguments which are no object, as Anthropic has it ("Fine-grained tool streaming")."""
_ARGUMENTS = msgspec.json.Decoder(dict[str, Any])


def input_of(arguments: str) -> msgspec.Raw:
    """What a tool was called with, as a provider takes it that wants an object: to the byte as it was written.

    A model may have written what is no JSON object, and its conversation goes on with it: that is told as text within
    one. Raises Refusal where it is no text, either.
    """
    try:
        text = (arguments if arguments.strip() else "{}").encode()
    except UnicodeEncodeError:
        raise refused("a call whose arguments hold a lone surrogate, which no text has") from None
    try:
        _ARGUMENTS.decode(text)
    except UNREADABLE:
        text = msgspec.json.encode({UNREAD: arguments})
    return msgspec.Raw(text)


class CallIds:
    """The calls so far."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """The tool that each call is of, by the call's own id."""
        self._turn: dict[str, str] = {}
        """The own ids of the last turn's calls, by those that the conversation gives them."""
        self._answered = set[str]()
        self._waiting: dict[str, tuple[str, int, int]] = {}
        """The calls of the last turn that have no result yet: as stated, which of which message, by their own ids."""

    def begin(self) -> None:
        """A turn that calls tools begins."""
        self._turn = {}

    def call(self, stated: str, tool: str, message: int = 0, at: int = 0) -> str:
        """The own id of a call that a message makes, the one ``at`` a place in it.

        Raises Refusal where two of one turn have one id: nobody could tell their results.
        """
        if stated in self._turn:
            raise refused(f"a second call `{stated[:80]}` in one turn: give each an id of its own")
        own, count = stated, 1
        while own in self.names:
            count += 1
            own = f"{stated[:60]}_{count}"
        self.names[own] = tool
        self._turn[stated] = own
        self._waiting[own] = stated, message, at
        return own

    def result(self, stated: str) -> str:
        """The own id of the call that a result answers. Raises Refusal for a second result of one call, or of none."""
        own = self._turn.get(stated, stated)
        if own in self._answered:
            raise refused(f"a second result of the call `{stated[:80]}`: send one")
        if self._waiting.pop(own, None) is None:
            what = f"a result of `{stated[:80]}`, which no call of the turn right before it has as its id"
            raise refused(f"{what}: send it after its call, or leave it out")
        self._answered.add(own)
        return own

    def over(self, before: int | None = None) -> None:
        """The turn that answers calls is over: of all, or those before a message. Raises Refusal for one without."""
        for stated, message, at in self._waiting.values():
            if message == before:
                continue
            what = f"a call `{stated[:80]}` without a result before the conversation goes on"
            remedy = "send one right after it (of a call that was cancelled, say so in it), or leave the call out"
            raise refused(f"{what}: {remedy}").at(f"[{message}].tool_calls[{at}]")
