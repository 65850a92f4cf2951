"""The door: which key a request presents, and what is said to who presents none that opens.

Owns: the keys that open now, and finding the one that is presented. Not here: what a key stands for
(``deciding/keyring``), and where those of run time are kept (``beside/key_watch``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from detente.gateway.deciding.keyring import HeldKey, Keyring
from detente.gateway.deciding.policy import Policy
from detente.gateway.http.exchange import JSON, HeaderLines, RequestHead
from detente.live.key import Key

NO_KEY = "missing or unknown key; send it as `Authorization: Bearer …`"
UNREAD = "the keys that were made at run time cannot be read now; try again later"
CHALLENGE: HeaderLines = JSON + b"www-authenticate: Bearer\r\n"
Shut = tuple[int, HeaderLines, str]
"""Why somebody is not let in: a status, headers, and a sentence."""


class Door:
    """Lets in who presents a key.

    Parameters
    ----------
    now
        The gateway's clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.keys: Keyring
        self.made: tuple[Key, ...] | None = ()
        """The keys of run time; None where there may be some, and nobody has read them yet."""

    def follow(self, policy: Policy) -> Keyring:
        """Let in by the keys of another policy."""
        self.keys = Keyring(policy, self.made or ())
        return self.keys

    def change(self, policy: Policy, made: Iterable[Key]) -> Keyring:
        """Other keys were made at run time."""
        self.made = tuple(made)
        return self.follow(policy)

    def opened(self, head: RequestHead) -> HeldKey | Shut:
        """Whose key is presented: ``authorization: Bearer``, ``api-key`` (Azure's) or ``x-api-key`` (Anthropic's)."""
        headers = head.headers
        presented = headers.get(b"authorization", b"")
        if presented[:7].lower() == b"bearer ":
            presented = presented[7:].strip()
        else:
            presented = headers.get(b"api-key") or headers.get(b"x-api-key") or b""
        found = self.keys.opened(presented.decode("latin-1"))
        if found is not None:
            return found if found.key.expires is None else self._in_time(found)
        return (401, CHALLENGE, NO_KEY) if self.made is not None or not presented else (503, JSON, UNREAD)

    def still(self, key: Key | None) -> HeldKey | Shut:
        """A key that was right when the head came: it may have changed, or expired, since."""
        found = self.keys.still(key) if key is not None else None
        if found is None:
            return 401, CHALLENGE, NO_KEY
        return found if found.key.expires is None else self._in_time(found)

    def _in_time(self, held: HeldKey) -> HeldKey | Shut:
        expires = held.key.expires
        if expires is None or self._now() < expires:
            return held
        return 401, CHALLENGE, f"the key `{held.key.id}` expired on {expires:%Y-%m-%d %H:%M} UTC; ask for a new one"
