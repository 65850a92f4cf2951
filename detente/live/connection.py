"""How a deployment is connected to beside its address: by which proxy, whom to trust, which certificate to show.

Owns: the keys, and that they fit together. Not here: connecting, and the proxy that the environment names
(``gateway/upstream``).
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from detente.errors import FlawError
from detente.values.noun import Noun

DIRECT = "direct"
"""No proxy, whatever the environment names."""
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")

ProxyAddress = Annotated[str, StringConstraints(min_length=1, max_length=500)]
FilePath = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class ConnectionSpec(Noun):
    """How a deployment is connected to."""

    proxy: ProxyAddress | None = Field(
        default=None,
        description="an HTTP proxy (`http://proxy.example:3128`), or `direct`; default: that of `HTTPS_PROXY`",
    )
    ca: FilePath | None = Field(
        default=None, description="a file of the certificates that are trusted, in place of the system's"
    )
    certificate: FilePath | None = Field(default=None, description="a file of the certificate that is shown (mTLS)")
    private_key: FilePath | None = Field(default=None, description="a file of its key; default: in the same file")

    @field_validator("proxy")
    @classmethod
    def _a_proxy(cls, given: str | None) -> str | None:
        if given is None or given == DIRECT:
            return given
        if "@" in given:
            raise FlawError("holds a secret", "name a proxy with a password in the environment: `HTTPS_PROXY`")
        if proxy_address(given) is None:
            raise FlawError(f"`{given[:80]}` is no proxy", "write `http://host:port`, or `direct`")
        return given

    @model_validator(mode="after")
    def _whole(self) -> ConnectionSpec:
        if self.private_key is not None and self.certificate is None:
            what = "`private-key` stands without `certificate`"
            raise FlawError(what, "write the certificate that it belongs to", ("private-key",), key=True)
        return self


def proxy_address(given: str) -> tuple[str, int] | None:
    """Host and port of ``http://[user:password@]host:port``; None for anything else."""
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    plain = parts.scheme == "http" and parts.path in ("", "/") and not parts.query and not parts.fragment
    return (host, port) if plain and host and port and _HOST.fullmatch(host) else None
