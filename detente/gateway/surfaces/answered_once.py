"""Calls of tools in a conversation that is said as a chat completion: each has an id of its own, and one result.

Owns: telling the caller, with the place, before anybody is asked: providers differ in what they make of such a
conversation, and none can tell which result is meant. An id may come again in a later turn, as some models write them.
Not here: the same in Anthropic's own shape (``providers/conversation``) and Converse's (``providers/bedrock/calls``).
"""

from __future__ import annotations

from detente.providers.wire import Refusal


class AnsweredOnce:
    """The calls so far that have no result yet, and the results since."""

    def __init__(self) -> None:
        self._waiting = set[str]()
        self._answered = set[str]()

    def call(self, id_: str | None, where: str) -> None:
        """A call of an id; one without is its provider's to judge.

        Raises Refusal where another one waits for a result by the same id.
        """
        if not id_:
            return
        if id_ in self._waiting:
            raise Refusal.of(where, f"is a second call `{id_[:80]}`: give each call an id of its own")
        self._waiting.add(id_)
        self._answered.discard(id_)

    def result(self, id_: str | None, where: str) -> None:
        """A result of a call. Raises Refusal where that has one."""
        if not id_:
            return
        if id_ in self._answered:
            raise Refusal.of(where, f"is a second result of the call `{id_[:80]}`: send one")
        self._answered.add(id_)
        self._waiting.discard(id_)
