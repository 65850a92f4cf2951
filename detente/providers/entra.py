"""Tokens of Microsoft Entra ID, by azure-identity's default chain (an extra).

Owns: fetching a token before the old one ends, in a thread. Not here: Azure's wire (``azure``).
"""

from __future__ import annotations

from typing import Any

from detente.errors import MissingExtraError
from detente.providers.authority import Authority, CredentialError
from detente.providers.outgoing import HeaderPairs, Outgoing

SCOPE = "https://cognitiveservices.azure.com/.default"
EARLY = 300.0  # seconds before its end: five minutes, as azure-identity itself takes
TIMEOUT = 5.0  # seconds to connect, and for an answer, of each source that it asks


class EntraAuthority(Authority):
    """A bearer token of Entra ID."""

    def __init__(self, chain: Any = None) -> None:
        self._chain = chain
        self._token: str | None = None
        self._ends = 0.0

    def __repr__(self) -> str:
        return "EntraAuthority()"

    def due(self, at: float) -> bool:
        return at > self._ends - EARLY

    def renew(self) -> None:
        try:
            from azure.identity import DefaultAzureCredential
        except ImportError:
            raise MissingExtraError("Microsoft Entra ID", "entra") from None
        try:
            if self._chain is None:
                self._chain = DefaultAzureCredential(connection_timeout=TIMEOUT, read_timeout=TIMEOUT)
            token = self._chain.get_token(SCOPE)
            value, ends = str(token.token), float(token.expires_on)
        except Exception as error:
            # Whatever it is: its settings, or what a command says that it runs, end in bare errors too.
            # azure-identity lists what it tried; what it says of one of its sources may be long, and holds no secret.
            raise CredentialError(f"Microsoft Entra ID gave no token: {str(error)[:500]}") from None
        self._token, self._ends = value, ends
        self.secrets = (value,)

    def headers(self, outgoing: Outgoing, host: str, at: float) -> HeaderPairs:
        if self._token is None:
            raise CredentialError("Microsoft Entra ID gave no token yet")
        return (("authorization", f"Bearer {self._token}"),)
