"""Our own credential in a stream, struck also where its provider spreads it over several events (§14).

Owns: holding back an event whose text ends as the credential begins, until the next says whether it goes on. All others
pass at once, for the price of looking for how it begins. Not here: what is struck within one event (``redaction``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from detente.gateway.serving.call.redaction import SHORTEST, STRUCK, Sought, struck_bytes
from detente.providers import sse
from detente.providers.unreadable import UNREADABLE

Path = tuple[str | int, ...]


class _Begun(NamedTuple):
    """A text that ends as a secret begins: where it is in its event, the secret, and how much of it has come."""

    at: Path
    secret: str
    come: int


class SpreadSecret:
    """Strikes what is sought from one stream."""

    __slots__ = ("_begun", "_heads", "_held", "_sought")

    def __init__(self, sought: Sequence[Sought]) -> None:
        self._sought = sought
        self._heads = [(secret, secret.plain[:SHORTEST]) for secret in sought]
        self._held: list[bytes] = []
        """Events that are held back, the first of which ends as a secret begins."""
        self._begun: _Begun | None = None

    @property
    def heads(self) -> Sequence[bytes]:
        """How what is sought begins, as it is: what has none of these, and no odd escapes, passes as it is."""
        return [head for _, head in self._heads]

    @property
    def holds(self) -> bool:
        """Whether an event is held back, so that the next has to be seen."""
        return self._begun is not None

    def struck(self, data: bytes) -> bytes:
        """Whole events without what is sought, as far as they can be told already."""
        if self._begun is not None:
            return self._looked_through(data) if data else data
        for secret, head in self._heads:
            if data.count(b"\\") and any(escape in data for escape in secret.escapes):
                data = struck_bytes(data, (secret,))
            elif data.count(head):  # of bytes, `count` is faster than `in`
                return self._looked_through(data)
        return data

    def rest(self) -> bytes:
        """What is held back, of a stream that is over."""
        held, self._begun = b"".join(self._held), None
        self._held.clear()
        return held

    def _looked_through(self, data: bytes) -> bytes:
        told: list[bytes] = []
        for event in sse.split(struck_bytes(data, self._sought)):
            said = _read(event)
            if self._begun is not None and said is not None:
                gone_on = self._gone_on(event, said, self._begun)
                if gone_on is None:
                    continue
                event = gone_on
                told.append(self.rest())
                said = _read(event)
            begun = None if said is None else self._begins(said)
            if begun is not None or self._begun is not None:
                self._begun = begun or self._begun
                self._held.append(event)
            else:
                told.append(event)
        return b"".join(told)

    def _gone_on(self, event: bytes, said: Any, begun: _Begun) -> bytes | None:
        """An event behind those that are held: without what is left of the secret, if that is what it says.

        None where all of its text is a part of the secret: then it is held, too.
        """
        at, secret, come = begun
        text, left = _leaf(said, at), secret[come:]
        if text and left.startswith(text) and text != left:
            self._begun = begun._replace(come=come + len(text))
            self._held.append(event)
            return None
        if text is not None and text.startswith(left):
            self._strike(at, secret)
            event = _with(event, said, at, text[len(left) :])
        return event

    def _strike(self, at: Path, secret: str) -> None:
        """Take the secret out of what is held."""
        for number, event in enumerate(self._held):
            said = _read(event)
            if said is None:
                continue  # a comment
            text = _leaf(said, at) or ""
            kept = max((size for size in range(SHORTEST, len(secret)) if text.endswith(secret[:size])), default=0)
            self._held[number] = _with(event, said, at, text[: len(text) - kept] + STRUCK if number == 0 else "")

    def _begins(self, said: Any) -> _Begun | None:
        """Whether a text of an event ends as a secret begins."""
        for at, text in _leaves(said):
            for secret in self._sought:
                plain = secret.plain.decode()
                for size in range(min(len(plain) - 1, len(text)), SHORTEST - 1, -1):
                    if text.endswith(plain[:size]):
                        return _Begun(at, plain, size)
        return None


def _read(event: bytes) -> Any:
    """What an event says; None of one that says nothing, or cannot be read."""
    try:
        return msgspec.json.decode(sse.data_of(event))
    except UNREADABLE:
        return None


def _leaves(said: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """The texts of an event, and where they are."""
    if isinstance(said, str):
        yield at, said
        return
    parts: Any = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for name, part in parts:
        yield from _leaves(part, (*at, name))


def _leaf(said: Any, at: Path) -> str | None:
    """The text at a place; None where there is none."""
    for name in at:
        try:
            said = said[name]
        except (KeyError, IndexError, TypeError):
            return None
    return said if isinstance(said, str) else None


def _with(event: bytes, said: Any, at: Path, text: str) -> bytes:
    """An event with another text at a place."""
    within = said
    for name in at[:-1]:
        within = within[name]
    within[at[-1]] = text
    return sse.with_data(event, msgspec.json.encode(said))
