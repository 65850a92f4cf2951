"""A watch on the keys of run time: read from the ledger beside calls, as soon as one was made, changed or revoked.

Owns: when they are looked at, and what the operator is told. Not here: the keys (``ledger/store/key_store``), and who
is let in (``door``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from detente.case.case import Case
from detente.errors import DetenteError
from detente.gateway.serving.settings import Say
from detente.ledger.books.books import must_be_of
from detente.ledger.store.followed_store import FollowedStore
from detente.ledger.store.key_store import UNREADABLE, KeptKeys, KeyStore
from detente.ledger.store.store import Store
from detente.live.key import Key

EVERY = 1.0
"""Seconds between two looks: so long a key that was revoked may still open."""
NONE_SEEN = -1
"""The version of whoever has seen no keys yet: any that a ledger has is newer."""
KeysChanged = Callable[[Iterable[Key]], Mapping[str, str]]
"""Takes the keys there are now; of those that do not fit the case, why not."""


class KeyWatch:
    """Watches the keys in a ledger.

    Parameters
    ----------
    url
        The ledger's.
    changed
        Who is given the keys.
    """

    def __init__(self, url: str, changed: KeysChanged, say: Say) -> None:
        self._changed, self._say = changed, say
        self._thread = ThreadPoolExecutor(1, "detente-keys")
        self._ledger = FollowedStore(url, self._begun)
        """Used in the thread alone."""
        self._case: Case
        self._version = NONE_SEEN
        self._strange: Mapping[str, str] = {}
        self._unread: frozenset[str] = frozenset()
        """The keys of which it was told that they cannot be read."""
        self._away = False

    def follow(self, case: Case) -> None:
        """The case of whose ledger the keys are."""
        self._case = case

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            await self.look()

    async def look(self) -> None:
        """Look once. Where the ledger is away, the keys that were seen last stay."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._seen)
        except (DetenteError, OSError) as error:
            if not self._away:
                self._say(f"keys made at run time cannot be read: {error}; those that are known stay as they are")
            self._away = True
            return
        if self._away:
            self._say("keys made at run time are read again")
        self._away = False
        if found is None:
            return
        self._tell_unread(found.unread)
        self.told(self._changed(found.keys))
        self._version = found.version  # only now: what could not be taken is read again

    def told(self, strange: Mapping[str, str]) -> None:
        """Tell of keys that do not fit the case, once each."""
        for name, why in strange.items():
            if self._strange.get(name) != why:
                self._say(f"key `{name}` opens nothing: {why}; see `detente keys change`")
        self._strange = strange

    def _tell_unread(self, names: Sequence[str]) -> None:
        """Tell of keys that cannot be read, once each. All others are taken, and what of them was revoked is seen."""
        for name in names:
            if name not in self._unread:
                self._say(f"key `{name}` opens nothing: it {UNREADABLE}")
        self._unread = frozenset(names)

    def _begun(self, store: Store) -> KeyStore:
        """In the thread: the ledger was opened, and all its keys are read, whatever was seen of another."""
        must_be_of(store, self._case)  # keys of another case may be for workloads of the same names
        self._version = NONE_SEEN
        return KeyStore(store)

    def _seen(self) -> KeptKeys | None:
        """In the thread: the keys, where any was made or changed since the last look."""
        with self._ledger.open() as keys:
            return keys.since(self._version)

    def close(self) -> None:
        """Let go."""
        self._thread.submit(self._ledger.close)
        self._thread.shutdown(wait=False)
