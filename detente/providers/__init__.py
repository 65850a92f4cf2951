"""The kinds of provider, by the `kind` of their deployments. To add one: a file here, a line below, its page, cases."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from detente.live.deployment import AnyDeployment
from detente.market.offer import AnyOffer

if TYPE_CHECKING:
    from detente.providers.vocabulary import Vocabulary
    from detente.providers.wire import Wire

WIRES = {
    "anthropic": "detente.providers.anthropic:AnthropicWire",
    "azure": "detente.providers.azure:AzureWire",
    "bedrock": "detente.providers.bedrock:BedrockWire",
    "openai-compatible": "detente.providers.openai_compatible:CompatibleWire",
}
"""Imported when a case has such a deployment."""


def wire_of(deployment: AnyDeployment, offer: AnyOffer, vocabulary: Vocabulary | None = None) -> Wire:
    """The wire of a deployment that draws on an offer; ``vocabulary`` is that of tokens which callers send."""
    module, _, class_ = WIRES[deployment.kind].partition(":")
    kind: type[Wire] = getattr(import_module(module), class_)
    name, model = deployment.name_there(offer), deployment.serves_model(offer) or ""
    return kind(deployment, name, offer.region, model, vocabulary)
