"""Credentials of AWS's own chain: environment, files, SSO, roles, the instance's or the pod's.

Owns: asking botocore for them, in a thread, and again before they end. Not here: the signature itself (``sigv4``).
"""

from __future__ import annotations

from typing import Any

from detente.errors import MissingExtraError
from detente.providers.authority import Authority, CredentialError
from detente.providers.bedrock.sigv4 import Keys, Signed, Signer
from detente.providers.outgoing import HeaderPairs, Outgoing

EARLY = 600.0
"""Seconds before their end that credentials are renewed: botocore fetches new ones in their last 15 minutes."""
PATIENCE = 30.0
"""Seconds between two renewals that changed nothing: a source that is down is not asked without pause."""
TIMEOUT = 5.0
"""Seconds for each answer of a role's provider; the metadata of an instance has a shorter time of its own."""


class ChainAuthority(Authority):
    """Signs with a profile's credentials.

    Parameters
    ----------
    profile
        As AWS's files name it; ``default`` is the chain without a choice of profile.
    region
        The region that signatures name.
    prefix
        The path that comes before those of requests, where the address has one: a signature covers it too.
    """

    def __init__(self, profile: str, region: str, prefix: str = "") -> None:
        self._profile, self._region, self._prefix = profile, region, prefix
        self._signer: Signer | None = None
        self._ends: float | None = None
        self._asked = float("-inf")

    def __repr__(self) -> str:
        return f"ChainAuthority({self._profile}, {self._region})"

    def due(self, at: float) -> bool:
        if self._ends is None or at < self._ends - EARLY or at < self._asked + PATIENCE:
            return False
        self._asked = at
        return True

    def renew(self) -> None:
        """Walk the chain from its beginning: files may have changed, and a role's credentials are refreshed here."""
        try:
            from botocore.config import Config
            from botocore.session import Session
        except ImportError:
            raise MissingExtraError("AWS's chain of credentials", "bedrock") from None
        try:
            session = Session(profile=None if self._profile == "default" else self._profile)
            session.set_default_client_config(Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT))
            found = session.get_credentials()
            frozen = found.get_frozen_credentials() if found is not None else None
        except Exception as error:
            # Whatever it is: botocore raises its own, and bare ones too (RuntimeError for what came already expired).
            # The kind alone: what a credential process or a role's provider says may hold what it was given.
            raise CredentialError(f"AWS profile {self._profile} gave no credentials ({type(error).__name__})") from None
        if found is None or frozen is None or not frozen.access_key or not frozen.secret_key:
            raise CredentialError(f"AWS profile {self._profile} has no credentials: the chain found none")
        self._signer = Signer(Keys(frozen.access_key, frozen.secret_key, frozen.token), self._region)
        self._ends = _end_of(found)
        self.secrets = tuple(s for s in (frozen.access_key, frozen.secret_key, frozen.token) if s)

    def headers(self, outgoing: Outgoing, host: str, at: float) -> HeaderPairs:
        if self._signer is None:
            raise CredentialError(f"AWS profile {self._profile} was not read")
        path = self._prefix + outgoing.target
        return self._signer.headers(Signed(outgoing.method, host, path, outgoing.headers, outgoing.body), at)


def _end_of(credentials: Any) -> float | None:
    """When credentials end, in seconds since the epoch; None where they do not.

    botocore keeps it to itself, so a test holds this name against the installed version.
    """
    ends = getattr(credentials, "_expiry_time", None)
    return None if ends is None else float(ends.timestamp())
