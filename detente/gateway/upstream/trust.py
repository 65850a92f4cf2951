"""Whom a connection trusts, and which certificate it shows.

Owns: TLS contexts, made when they are first needed. Not here: who is connected to (``pool``).
"""

from __future__ import annotations

import ssl

from detente.live.connection import ConnectionSpec


class FileError(OSError):
    """A file of certificates, or of a key, cannot be used."""


class Trust:
    """TLS contexts, by deployments' own files.

    Parameters
    ----------
    usual
        The context of deployments that state nothing. By default the system's store is trusted.
    """

    def __init__(self, usual: ssl.SSLContext | None = None) -> None:
        self._usual = usual
        self._own: dict[ConnectionSpec, ssl.SSLContext] = {}

    def again(self) -> None:
        """Read the files again from the next connection on."""
        self._own.clear()

    def context(self, spec: ConnectionSpec | None) -> ssl.SSLContext:
        """How a connection is secured. To read the system's store takes tens of milliseconds, so it is kept.

        Raises ``FileError``.
        """
        if spec is None or not (spec.ca or spec.certificate):
            self._usual = self._usual or _context()
            return self._usual
        if spec not in self._own:
            self._own[spec] = _of_files(spec)
        return self._own[spec]


def _context(ca: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _of_files(spec: ConnectionSpec) -> ssl.SSLContext:
    try:
        context = _context(spec.ca)
    except (OSError, ssl.SSLError) as error:
        raise FileError(f"its `ca`, {spec.ca}, {_why(error)}") from None
    if spec.certificate is None:
        return context
    try:
        context.load_cert_chain(spec.certificate, spec.private_key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise FileError(f"its `certificate`, {spec.certificate}, or the key of it {_why(error)}") from None
    return context


def _no_password() -> str:
    """A key with a password: nobody is here to be asked for it."""
    return ""


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return "does not hold what it is to hold"
    return f"cannot be read ({error.strerror or 'no reason given'})"
