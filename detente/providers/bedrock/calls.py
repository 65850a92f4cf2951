"""The ids of a conversation's calls of tools, each of its own.

Owns: telling calls apart that some models number anew in each turn (``call_0`` again): Claude refuses an id that comes
twice. Not here: calls and results as blocks (``turns``).
"""

from __future__ import annotations

from detente.providers.bedrock.content_parts import refused


class CallIds:
    """The calls so far."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """The tool that each call is of, by the call's own id."""
        self._turn: dict[str, str] = {}
        """The own ids of the last turn's calls, by those that the conversation gives them."""
        self._answered = set[str]()

    def begin(self) -> None:
        """A turn that calls tools begins."""
        self._turn = {}

    def call(self, stated: str, tool: str) -> str:
        """The own id of a call. Raises Refusal where two of one turn have one id: nobody could tell their results."""
        if stated in self._turn:
            raise refused(f"a second call `{stated[:80]}` in one turn: give each an id of its own")
        own, count = stated, 1
        while own in self.names:
            count += 1
            own = f"{stated[:60]}_{count}"
        self.names[own] = tool
        self._turn[stated] = own
        return own

    def result(self, stated: str) -> str:
        """The own id of the call that a result answers. Raises Refusal for a second result of one call."""
        own = self._turn.get(stated, stated)
        if own in self._answered:
            raise refused(f"a second result of the call `{stated[:80]}`: send one")
        self._answered.add(own)
        return own
