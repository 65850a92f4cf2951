"""What a deployment remembers between calls: the beginnings of prompts, and the replies that others build on.

Owns: both memories, and their bounds. Not here: what a hit is worth.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from detente.sandbox.tokens import CHARACTERS, count

MIN_TOKENS = 1_024
"""Tokens of a prompt below which nothing is cached, as with the providers played."""
STEP = 128
"""A cached beginning is a multiple of this."""
MAX_STEPS = 4_096
MAX_PREFIXES = 50_000
MAX_REPLIES = 1_000
MAX_SIZE = 32_000_000


@dataclass
class PrefixCache:
    """The beginnings of prompts that a deployment has read."""

    _seen: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def read(self, prompt: str) -> int:
        """The tokens of a prompt that were read before; from now on all of it was."""
        if len(prompt) < MIN_TOKENS * CHARACTERS:
            return 0
        found, going = 0, True
        digest = hashlib.sha256()
        width = STEP * CHARACTERS
        for at in range(min(len(prompt) // width, MAX_STEPS)):
            digest.update(prompt[at * width : (at + 1) * width].encode("utf-8", "surrogatepass"))
            going = self._known(digest.digest()) and going
            if going:
                found = (at + 1) * STEP
        return found if found >= MIN_TOKENS else 0

    def point(self, prompt: str, points: tuple[int, ...]) -> tuple[int, int]:
        """(tokens read from the cache, tokens written to it) of a prompt whose caller marks what to keep."""
        read = written = 0
        for end in sorted(points):
            tokens = count(prompt[:end])
            if tokens < MIN_TOKENS:
                continue
            if self._known(hashlib.sha256(prompt[:end].encode("utf-8", "surrogatepass")).digest()):
                read, written = tokens, 0
            else:
                written = tokens - read
        return read, written

    def _known(self, key: bytes) -> bool:
        known = key in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > MAX_PREFIXES:
            self._seen.popitem(last=False)
        return known


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply of the Responses API, with the conversation that led to it, as text."""

    reply: bytes
    prompt: str
    items: bytes = b"[]"
    """What was asked, as a list of items."""

    @property
    def size(self) -> int:
        """About how much memory it takes, in characters."""
        return len(self.reply) + len(self.prompt) + len(self.items)


@dataclass
class Replies:
    """Replies by id; the oldest give way."""

    _kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    _size: int = 0

    def keep(self, key: str, kept: Kept) -> None:
        """Remember a reply, unless it alone is larger than all that may be remembered."""
        self.drop(key)
        if kept.size > MAX_SIZE:
            return
        self._kept[key] = kept
        self._size += kept.size
        while len(self._kept) > MAX_REPLIES or self._size > MAX_SIZE:
            self.drop(next(iter(self._kept)))

    def get(self, key: str) -> Kept | None:
        """A reply."""
        return self._kept.get(key)

    def drop(self, key: str) -> bool:
        """Forget a reply; whether it was known."""
        found = self._kept.pop(key, None)
        self._size -= found.size if found else 0
        return found is not None
