"""AWS's Signature Version 4 of one request. Pure.

Owns: the canonical request, the string to sign and the signature, as AWS's reference for signed requests describes
them. botocore computes the same in eight times the time, most of it for headers and queries that no request of ours
has; the tests hold the two against each other. Not here: where credentials come from (``chain``).
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from detente.providers.outgoing import HeaderPairs

ALGORITHM = "AWS4-HMAC-SHA256"


class Keys(NamedTuple):
    """A set of credentials, as of one moment."""

    access: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        return "Keys(…)"


class Signed(NamedTuple):
    """What is signed of a request: its path has no query, and its headers are in lower case."""

    method: str
    host: str
    path: str
    headers: Iterable[tuple[str, str]]
    body: bytes


@lru_cache(maxsize=8)
def moment(second: int) -> str:
    """A time as signatures write it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


@lru_cache(maxsize=256)
def _canonical(path: str) -> str:
    """Escaped once more: every service but S3 signs the path as sent, encoded again."""
    return quote(path, safe="/~")


class Signer:
    """Signs requests to one service in one region. Remembers the day's key, which costs four digests."""

    def __init__(self, keys: Keys, region: str, service: str = "bedrock") -> None:
        self._keys, self._region, self._service = keys, region, service
        self._day, self._key = "", b""

    def __repr__(self) -> str:
        return f"Signer({self._region}, {self._service})"

    def headers(self, request: Signed, at: float) -> HeaderPairs:
        """The headers to add, at a time in seconds since the epoch."""
        when = moment(int(at))
        added = [("x-amz-date", when)]
        if self._keys.token:
            added.append(("x-amz-security-token", self._keys.token))
        listed = sorted([("host", request.host), *request.headers, *added])
        names = ";".join(name for name, _ in listed)
        lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in listed)
        digest = sha256(request.body).hexdigest()
        path, _, query = request.path.partition("?")
        ordered = "&".join(sorted(query.split("&")))
        canonical = f"{request.method}\n{_canonical(path)}\n{ordered}\n{lines}\n{names}\n{digest}"
        scope = f"{when[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{ALGORITHM}\n{when}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(when[:8]), text.encode(), "sha256").hex()
        stated = f"{ALGORITHM} Credential={self._keys.access}/{scope}, SignedHeaders={names}, Signature={signature}"
        return (*added, ("authorization", stated))

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self._keys.secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day, self._key = day, key
        return self._key
