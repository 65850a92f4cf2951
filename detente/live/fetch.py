"""Fetching: which hosts the gateway may fetch files from that callers send by their address, and how much of it.

Owns: the keys, and whether an address is allowed. Not here: connecting (``gateway/upstream/visits``), and which parts
of a call are files (``gateway/surfaces/file_addresses``).
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator

from detente.errors import FlawError
from detente.values.noun import Flag, Noun
from detente.values.quantity_field import Count, Duration

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PATTERN = re.compile(rf"(?:\*|(?:\*\.)?{_NAME}(?:\.{_NAME})*)(?::[1-9][0-9]{{0,4}})?")
_PORTS = {"https": 443, "http": 80}

HostPattern = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Fetch(Noun):
    """What the gateway may fetch for deployments that take files within a call only.

    It never fetches from an address that is not public, whatever this says.
    """

    hosts: tuple[HostPattern, ...] = Field(
        min_length=1, description="hosts: `files.example.com`, `*.example.com` (those below it), `*` (any)"
    )
    http: Flag = Field(default=False, description="whether without TLS too")
    count: Count = Field(default=20, description="the most files of a call")
    bytes: Count = Field(default=10_000_000, description="the most bytes of a call's files, all together")
    time: Duration = Field(default=10.0, description="for all files of a call")

    @field_validator("hosts")
    @classmethod
    def _patterns(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in given:
            if not _PATTERN.fullmatch(pattern):
                what = "write a host without `https://` and path: `files.example.com`, or `*.example.com`"
                raise FlawError(f"`{pattern[:80]}` is no host", what)
        return given

    def forbids(self, url: str) -> str | None:
        """Why an address may not be fetched from; None where it may."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return "its address cannot be read"
        if parts.scheme not in _PORTS or not host:
            return "its address is none of the web"
        if parts.username is not None or parts.password is not None:
            return "its address holds a user and a password"
        if parts.scheme == "http" and not self.http:
            return "its address begins with `http://`, and the case allows `https://` alone"
        at = _PORTS[parts.scheme] if port is None else port
        if not any(_covers(pattern.lower(), host, at, _PORTS[parts.scheme]) for pattern in self.hosts):
            return f"`{host[:80]}{'' if port is None else f':{port}'}` is none of the hosts that the case allows"
        return None


def _covers(pattern: str, host: str, port: int, usual: int) -> bool:
    """Whether a host and port are of a pattern; one that names no port stands for the usual one."""
    name, _, stated = pattern.partition(":")
    if port != (int(stated) if stated else usual):
        return False
    return name in ("*", host) or (name.startswith("*.") and host.endswith(name[1:]))
