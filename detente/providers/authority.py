"""What authorizes a request: a secret, read from where the case says it is, and renewed away from the event loop (§14).

Owns: reading keys from the environment and from files, and the verbs of an authority. Secrets never appear in a
representation or an error. Not here: SigV4 (``bedrock``) and Entra (``entra``), which subclass this.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from detente.errors import CredentialError
from detente.live.credential import Credential
from detente.providers.outgoing import HeaderPairs, Outgoing

MAX_BYTES = 65_536
__all__ = ["Authority", "CredentialError", "KeyAuthority"]


class Authority:
    """Authorizes requests to one deployment.

    ``headers`` is called on the event loop for every request and must not block; what may block is ``renew``, which
    runs in a thread, when the gateway starts, when ``due`` says so, and after the provider refused the credential.
    """

    secrets: tuple[str, ...] = ()
    """What must never be shown, as it was last read: struck from whatever a provider says."""

    def due(self, at: float) -> bool:
        """Whether the secret should be renewed, at a time in seconds since the epoch. Neutral: never."""
        return False

    def renew(self) -> None:
        """Read the secret again. Blocks; runs in a thread. Raises CredentialError, and keeps what it had."""

    def headers(self, outgoing: Outgoing, host: str, at: float) -> HeaderPairs:
        """The headers that authorize a request. Raises CredentialError where there is no secret."""
        raise NotImplementedError


class KeyAuthority(Authority):
    """A key in a header: ``api-key: …``, or ``authorization: Bearer …``."""

    def __init__(self, credential: Credential, header: str = "authorization", scheme: str = "Bearer ") -> None:
        self._credential, self._header, self._scheme = credential, header, scheme
        self._lines: HeaderPairs | None = None
        self._stamp: tuple[int, int] | None = None
        self._looked = 0.0

    def __repr__(self) -> str:
        return f"KeyAuthority({self._credential})"

    def due(self, at: float) -> bool:
        """A file may change: look every few seconds."""
        if self._credential.file is None or at - self._looked < 5:
            return False
        self._looked = at
        try:
            return self._stamp_of(Path(self._credential.file)) != self._stamp
        except OSError:
            return False

    @staticmethod
    def _stamp_of(file: Path) -> tuple[int, int]:
        found = file.stat()
        return found.st_mtime_ns, found.st_size

    def renew(self) -> None:
        """Read the key."""
        secret = self._read(os.environ)
        self._lines, self.secrets = ((self._header, self._scheme + secret),), (secret,)

    def _read(self, environ: Mapping[str, str]) -> str:
        given = self._credential
        if given.file is not None:
            try:
                stamp = self._stamp_of(Path(given.file))
                with open(given.file, "rb") as source:
                    raw = source.read(MAX_BYTES + 1)
            except OSError as error:
                raise CredentialError(f"{given} cannot be read: {error.strerror or error}") from None
            self._stamp = stamp
            if len(raw) > MAX_BYTES:
                raise CredentialError(f"{given} is too long to be a key")
            text = raw.decode("utf-8", "replace").strip()
        else:
            text = environ.get(given.env or "", "").strip()
        if not text:
            raise CredentialError(f"{given} is not set" if given.env else f"{given} is empty")
        if not text.isascii() or not text.isprintable():
            raise CredentialError(f"{given} holds characters that no header may hold")
        return text

    def headers(self, outgoing: Outgoing, host: str, at: float) -> HeaderPairs:
        """The one header."""
        if self._lines is None:
            raise CredentialError(f"{self._credential} was not read")
        return self._lines
