"""Azure OpenAI's wire: the v1 paths, and those of before. See ``docs/providers/azure.md``.

Owns: Azure's paths and its two ways to authorize. Bodies, replies and errors are OpenAI's (``openai_compatible``), with
a content filter of Azure's own, whose refusals are the request's. Not here: Entra's tokens (``entra``).
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar
from urllib.parse import quote

from detente.live.deployment import AzureDeployment
from detente.providers.authority import Authority, KeyAuthority
from detente.providers.openai_compatible import PATHS, CompatibleWire
from detente.providers.wire import Call, Headers


class AzureWire(CompatibleWire):
    """A deployment of an Azure OpenAI resource."""

    known_as: ClassVar[str] = "azure.ai.openai"

    @cached_property
    def caches_alone(self) -> bool:
        return True

    @property
    def base(self) -> str:
        assert isinstance(self.deployment, AzureDeployment)
        return self.deployment.endpoint.rstrip("/")

    def authority(self) -> Authority:
        if self.deployment.credential.entra:
            from detente.providers.entra import EntraAuthority

            return EntraAuthority()
        return KeyAuthority(self.deployment.credential, "api-key", "")

    def spilled(self, headers: Headers) -> bool:
        return "x-ms-spillover-from-deployment" in headers

    def target(self, call: Call) -> str:
        assert isinstance(self.deployment, AzureDeployment)
        if self.deployment.version is None:
            return f"/openai/v1{PATHS[call.operation]}"
        name = quote(self.name, safe="")
        return f"/openai/deployments/{name}{PATHS[call.operation]}?api-version={self.deployment.version}"
