"""What went wrong between the gateway and a provider.

Owns: the one error that the client raises for whatever a network or a peer does. Not here: what a provider said in a
well-formed reply (``providers``), and mistakes of the caller, which are ``ValueError``.
"""

from __future__ import annotations

from typing import Literal

ErrorKind = Literal["unreachable", "timeout", "broken", "busy"]
"""``unreachable``: no connection. ``timeout``: a deadline passed. ``broken``: a reply that was cut or is unreadable.
``busy``: a deadline passed in waiting for a turn, as all the connections that we allow ourselves were in use: it says
nothing of the provider."""


class UpstreamError(Exception):
    """An exchange that came to nothing.

    ``what`` is what came of it, said of the origin, and of a timeout which deadline: no path, no header and no byte of
    a body. ``sent`` says whether the provider may have seen the request. ``own`` is what only the operator is to know:
    of proxies and files of ours. Its text holds all of them.
    """

    def __init__(self, kind: ErrorKind, origin: object, what: str, *, sent: bool, own: str = "") -> None:
        self.message = f"`{origin}` {what}"
        super().__init__(f"{self.message}: {own}" if own else self.message)
        self.kind: ErrorKind = kind
        self.what = what
        self.sent = sent
