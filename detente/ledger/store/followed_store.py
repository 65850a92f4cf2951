"""A followed store: a ledger that a process asks again and again for as long as it runs.

Owns: the one rule of all who follow a ledger. It is opened when it is first asked for; once anything fails it is let
go, and opened again the next time. Not here: which database a URL names (``opening``), when it is asked, and what is
told of it (each who follows).

Files are moved, replaced and restored from backups, and servers are restarted, while gateways run: a connection that
failed may never answer again, and what was remembered of the ledger may not be so in the one that is there now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store

T = TypeVar("T")


class FollowedStore(Generic[T]):
    """A ledger that is followed, in one thread.

    Parameters
    ----------
    url
        The ledger's. None is made where there is none.
    begun
        Called each time that the ledger was opened: what it gives is what is worked with, and whatever else is
        remembered of a ledger begins anew here.
    """

    def __init__(self, url: str, begun: Callable[[Store], T]) -> None:
        self.url, self._begun = url, begun
        self._held: tuple[Store, T] | None = None

    @contextmanager
    def open(self) -> Iterator[T]:
        """What is worked with. Raises LedgerError, and MissingExtraError, where the ledger cannot be opened."""
        try:
            if self._held is None:
                self._held = _opened(self.url, self._begun)
            yield self._held[1]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go, in the thread that works with it."""
        if self._held is not None:
            self._held[0].close()
        self._held = None


def _opened(url: str, begun: Callable[[Store], T]) -> tuple[Store, T]:
    store = open_store(url)
    try:
        return store, begun(store)
    except BaseException:
        store.close()
        raise
