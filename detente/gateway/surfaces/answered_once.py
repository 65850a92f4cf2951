"""Calls of tools in a conversation that is said as a chat completion: each has an id of its own, and one result.

Owns: telling the caller, with the place, before anybody is asked: providers differ in what they make of such a
conversation, and none can tell which result is meant. An id may come again in a later turn, as some models write them,
also where the earlier call has no result: what is made of that one is its provider's to judge. A text between two calls
ends no turn: OpenAI refuses a call without its result, and clients send each call with one (Codex makes one up).
Not here: the same in Anthropic's own shape (``providers/conversation``) and Converse's (``providers/bedrock/calls``).
"""

from __future__ import annotations

from detente.providers.wire import Refusal


class AnsweredOnce:
    """The calls of the assistant's last turn, and those that have a result."""

    def __init__(self) -> None:
        self._turn = set[str]()
        self._answered = set[str]()

    def call(self, id_: str | None, where: str) -> None:
        """A call of an id; one without is its provider's to judge.

        Raises Refusal where another one of the same turn has that id.
        """
        if not id_:
            return
        if id_ in self._turn:
            raise Refusal.of(where, f"is a second call `{id_[:80]}` in one turn: give each call an id of its own")
        self._turn.add(id_)
        self._answered.discard(id_)

    def result(self, id_: str | None, where: str) -> None:
        """A result of a call, which ends the assistant's turn. Raises Refusal where that call has one."""
        self.goes_on()
        if not id_:
            return
        if id_ in self._answered:
            raise Refusal.of(where, f"is a second result of the call `{id_[:80]}`: send one")
        self._answered.add(id_)

    def goes_on(self) -> None:
        """The assistant's turn is over: what it calls from now on is of another one."""
        self._turn.clear()
