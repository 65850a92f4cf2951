"""The kinds of provider, by the `kind` of their deployments. To add one: a file here, a line below, its page, cases."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from detente.live.deployment import AnyDeployment
from detente.market.offer import AnyOffer

if TYPE_CHECKING:
    from detente.providers.wire import Wire

WIRES = {
    "anthropic": "detente.providers.anthropic:AnthropicWire",
    "azure": "detente.providers.azure:AzureWire",
    "bedrock": "detente.providers.bedrock:BedrockWire",
    "openai-compatible": "detente.providers.openai_compatible:CompatibleWire",
}
"""Imported when a case has such a deployment."""


def wire_of(deployment: AnyDeployment, offer: AnyOffer) -> Wire:
    """The wire of a deployment that draws on an offer."""
    module, _, name = WIRES[deployment.kind].partition(":")
    kind: type[Wire] = getattr(import_module(module), name)
    return kind(deployment, deployment.name_there(offer), offer.region, deployment.serves_model(offer) or "")
