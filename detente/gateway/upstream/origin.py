"""An origin: where a base address leads.

Owns: reading ``http(s)://host[:port][/path]``. Not here: connections (``pool``) and what is asked there (``heads``).
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

# A host that is sent as it stands: names in ASCII (an international name in its `xn--` form), or an address.
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_PATH = re.compile(r"[!-~]*")
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Who is connected to. Two bases of one origin share its connections."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What the ``host`` header says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parsed(base: str) -> tuple[Origin, str]:
    """The origin of a base address, and the path that its targets are appended to.

    Raises
    ------
    ValueError
        Where it is not ``http(s)://host[:port][/path]``. The message does not repeat it: people put secrets there.
    """
    what = "a provider's address is `http(s)://host[:port][/path]`"
    try:
        split = urlsplit(base)
        port = split.port
    except ValueError:
        raise ValueError(f"{what}, and this one cannot be read") from None
    scheme, host = split.scheme, split.hostname
    if scheme not in _PORTS or not host or not _HOST.fullmatch(host):
        raise ValueError(what)
    if split.username is not None or split.password is not None:
        raise ValueError(f"{what}: user and password do not belong there")
    if split.query or split.fragment or base.endswith(("?", "#")):
        raise ValueError(f"{what}: a query or a fragment does not belong there")
    if not _PATH.fullmatch(split.path) or any(not "!" <= sign <= "~" for sign in base):
        raise ValueError(f"{what}, in ASCII without blanks")
    if port == 0:
        raise ValueError(f"{what}: port 0 is none")
    return Origin(scheme, host, _PORTS[scheme] if port is None else port), split.path.rstrip("/")
