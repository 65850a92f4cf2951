"""A watch on the keys of run time: read from the ledger beside calls, as soon as one was made, changed or revoked.

Owns: when they are looked at, and what the operator is told. Not here: the keys (``ledger/store/key_store``), and who
is let in (``door``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from detente.errors import DetenteError
from detente.gateway.serving.settings import Say
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from detente.live.key import Key

EVERY = 1.0
"""Seconds between two looks: so long a key that was revoked may still open."""
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
        self._url, self._changed, self._say = url, changed, say
        self._thread = ThreadPoolExecutor(1, "detente-keys")
        self._store: Store | None = None
        self._version = -1
        self._strange: Mapping[str, str] = {}
        self._away = False

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
        self._away = False
        if found is not None:
            self.told(self._changed(found))

    def told(self, strange: Mapping[str, str]) -> None:
        """Tell of keys that do not fit the case, once each."""
        for name, why in strange.items():
            if self._strange.get(name) != why:
                self._say(f"key `{name}` opens nothing: {why}; see `detente keys change`")
        self._strange = strange

    def _seen(self) -> tuple[Key, ...] | None:
        """In the thread: the keys, where any was made or changed since the last look."""
        if self._store is None:
            self._store = open_store(self._url)
        self._version, found = KeyStore(self._store).since(self._version)
        return found

    def close(self) -> None:
        """Let go."""
        self._thread.submit(self._let_go)
        self._thread.shutdown(wait=False)

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
