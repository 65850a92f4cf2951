"""A tunnel through a proxy: CONNECT (RFC 9110, 9.3.6), and a socket that then leads to the origin.

Owns: which proxy leads to an origin, and asking it. Not here: TLS through the tunnel, and what is said (``pool``,
``connection``).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import unquote, urlsplit

from detente.gateway.http.known_head import MAX_HEAD
from detente.gateway.upstream.origin import Origin
from detente.live.connection import DIRECT, ConnectionSpec, proxy_address

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]+){3}|::1")


class ProxyError(OSError):
    """A proxy does not lead to an origin. Its message says why, and holds no secret."""


class Proxy(NamedTuple):
    """Whom to ask, and what logs in there: the value of ``proxy-authorization``, empty for none."""

    host: str
    port: int
    login: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_to(origin: Origin, spec: ConnectionSpec | None, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy of an origin: that of its deployment, else, for ``https``, that of the environment; None for none.

    Raises ``ProxyError`` where the environment names what is no proxy.
    """
    stated = spec.proxy if spec is not None else None
    if stated is None and origin.scheme == "https" and not _passed_by(origin.host, environment):
        stated = environment.get("https_proxy") or environment.get("HTTPS_PROXY")
    if not stated or stated == DIRECT:
        return None
    address = proxy_address(stated)
    if address is None:
        raise ProxyError("`HTTPS_PROXY` is not `http://host:port`")
    return Proxy(*address, _login(stated))


def _passed_by(host: str, environment: Mapping[str, str]) -> bool:
    """Whether a host is this machine, or ``NO_PROXY`` names it or a domain that it is in."""
    if _LOOPBACK.fullmatch(host):
        return True
    stated = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    names = [name.strip().lower().lstrip("*").lstrip(".") for name in stated.split(",")]
    host = host.lower()
    return stated.strip() == "*" or any(name and (host == name or host.endswith(f".{name}")) for name in names)


def _login(stated: str) -> str:
    parts = urlsplit(stated if "://" in stated else f"http://{stated}")
    if parts.username is None:
        return ""
    said = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(said.encode()).decode()}"


async def through(
    loop: asyncio.AbstractEventLoop,
    proxy: Proxy,
    origin: Origin,
    connection: asyncio.Protocol,
    tls: ssl.SSLContext | None,
    *,
    name: str = "",
    timeout: float | None = None,
) -> None:
    """Connect to an origin through a proxy, with TLS inside where there is a context.

    ``name`` is whose certificate is to be shown, where it is not the origin's host. Raises ``ProxyError``, ``OSError``.
    """
    made = await tunnel(loop, proxy, origin)
    if tls is None:
        made.set_protocol(connection)
        connection.connection_made(made)
        return
    try:
        secured = await loop.start_tls(
            made, connection, tls, server_hostname=name or origin.host, ssl_handshake_timeout=timeout
        )
    except BaseException:
        made.abort()
        raise
    if secured is None:  # it was closed meanwhile
        raise ConnectionAbortedError
    connection.connection_made(secured)


async def tunnel(loop: asyncio.AbstractEventLoop, proxy: Proxy, origin: Origin) -> asyncio.Transport:
    """A socket that leads to an origin. Raises ``ProxyError``."""
    try:
        made, asking = await loop.create_connection(lambda: _Asking(loop, proxy, origin), proxy.host, proxy.port)
    except (OSError, UnicodeError) as error:
        raise ProxyError(
            f"the proxy {proxy} cannot be reached ({getattr(error, 'strerror', None) or 'no such name'})"
        ) from None
    try:
        await asking.led
    except BaseException:
        made.abort()
        raise
    return made


class _Asking(asyncio.Protocol):
    """Asks a proxy, and hears its answer; then the socket is another's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, proxy: Proxy, origin: Origin) -> None:
        self.led: asyncio.Future[None] = loop.create_future()
        self._proxy, self._origin, self._head = proxy, origin, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        host = f"[{self._origin.host}]" if ":" in self._origin.host else self._origin.host
        target = f"{host}:{self._origin.port}"
        login = f"proxy-authorization: {self._proxy.login}\r\n" if self._proxy.login else ""
        head = f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{login}\r\n"
        cast(asyncio.Transport, transport).write(head.encode("ascii"))

    def data_received(self, data: bytes) -> None:
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if end:
            self._answered(head, rest)
        elif len(self._head) > MAX_HEAD:
            self._fail("answers with a head that does not end")

    def _answered(self, head: bytes, rest: bytes) -> None:
        found = _STATUS.match(head + b"\r")
        if found is None or rest:  # who is at the other end speaks when it was spoken to
            self._fail("answers what is no answer to CONNECT")
        elif found[1] == b"407":
            self._fail("asks for a user and a password (407)")
        elif found[1][:1] != b"2":
            self._fail(f"does not lead there: it answers {found[1].decode()}")
        elif not self.led.done():
            self.led.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("closes the connection")

    def _fail(self, why: str) -> None:
        if not self.led.done():
            self.led.set_exception(ProxyError(f"the proxy {self._proxy} {why}"))
