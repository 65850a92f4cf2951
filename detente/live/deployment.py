"""A deployment: where an offer answers live calls, and how it is spoken to.

Owns: the address, the name at the provider, what it serves and lacks, and every region where it may run a call.
Not here: the wire itself (``providers``), and whether a call may go there (``gateway/deciding/admit``).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from detente.errors import FlawError
from detente.live.claude_name import ANSWERS_ANEW, version_of
from detente.live.connection import ConnectionSpec
from detente.live.credential import Credential
from detente.market.offer import AnyOffer, GpuOffer
from detente.market.provider import Provider
from detente.values.facts import Facts
from detente.values.noun import Id, Label, Noun
from detente.values.quantity_field import Duration, Throughput

Operation = Literal["chat", "embeddings", "responses"]
"""What a deployment serves. Who serves chat is asked what callers ask as Anthropic's messages, too."""

Feature = Literal[
    "streaming",
    "tools",
    "parallel-tools",
    "structured-output",
    "images",
    "audio",
    "logprobs",
    "n",
    "seed",
    "reasoning",
    "penalties",
    "logit-bias",
    "prediction",
]
"""What a call may need beyond text in and text out."""

Continues = Literal["assistant", "vllm", "prefix"]
"""How a deployment is told to go on with an answer that another began: by a last message of the assistant's (Claude
up to 4.5, in its own shape); the same with vLLM's ``continue_final_message``, of a response with a last message that is
in progress; the same marked ``prefix`` (Mistral, DeepSeek)."""

Endpoint = Annotated[str, StringConstraints(min_length=8, max_length=2000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", max_length=300)]


class Play(Noun):
    """How the sandbox plays a deployment."""

    first_token: Duration = Field(default=0.02, description="from a call to the first token")
    speed: Throughput | None = Field(default=None, description="tokens generated over time, a call; default: at once")


class _Deployment(Noun):
    id: Id
    offer: Id = Field(description="the offer that it draws on, and is paid by")
    model: Label | None = Field(default=None, description="the model that it serves; default: the offer's")
    name: Name | None = Field(default=None, description="what the provider calls it; default: as the model")
    credential: Credential
    serves: tuple[Operation, ...] = Field(default=("chat",), min_length=1, description="what it can be asked for")
    lacks: tuple[Feature, ...] = Field(
        default=(), description="what it cannot do: such calls go elsewhere, or are refused"
    )
    regions: tuple[Id, ...] = Field(
        default=(), description="every region where it may run a call (a cross-region profile); default: the offer's"
    )
    continues: Continues | None = Field(
        default=None, description="how it is told to go on with an answer that broke off elsewhere; default: it cannot"
    )
    connection: ConnectionSpec | None = Field(
        default=None, description="by which proxy it is reached, whom to trust, and which certificate to show"
    )
    play: Play = Field(default=Play(), description="how the sandbox plays it")

    def serves_model(self, offer: AnyOffer) -> str | None:
        """The model by the name that workloads use; None where neither it nor its offer names one."""
        return self.model or (None if isinstance(offer, GpuOffer) else offer.model)

    def name_there(self, offer: AnyOffer) -> str:
        """What the provider calls it."""
        return self.name or self.serves_model(offer) or self.id

    def places(self, offer: AnyOffer, provider: Provider) -> tuple[Facts, ...]:
        """What a scope may ask of every place where it may run work: its offer there, with the model that it serves."""
        facts = offer.facts(provider.regions[offer.region].country)
        model = self.serves_model(offer)
        served = facts if model is None else {**facts, "model": model}
        return tuple(provider.placed(served, region) for region in self.regions or (offer.region,))

    @property
    def at_bedrock(self) -> bool:
        """Whether it is Bedrock that it asks, as far as its kind and its address tell."""
        return False

    def cannot_go_on(self, name: str) -> tuple[str, str] | None:
        """Why what it states under `continues` cannot be, and the remedy; None where it may.

        ``name`` is what the provider calls its model. Neutral: None where it serves what is so continued, since nobody
        sees from outside who can.
        """
        if self.continues is None or "chat" in self.serves or (self.continues == "vllm" and "responses" in self.serves):
            return None
        where = "chat completions and responses" if self.continues == "vllm" else "chat completions"
        return f"`{self.continues}` is for {where}, and it serves none", _STATES_NONE


_STATES_NONE = "leave `continues` out"


def _claude_cannot_go_on(deployment: _Deployment, name: str) -> tuple[str, str] | None:
    """What is wrong with how a Claude is to be told, in its own shape, to go on with an answer."""
    version = version_of(name, deployment.model)
    if version is not None and version >= ANSWERS_ANEW:
        its, first = (".".join(map(str, one)) for one in (version, ANSWERS_ANEW))
        return f"Claude {its} refuses an answer's beginning, as all do from {first}", _STATES_NONE
    if deployment.continues not in (None, "assistant"):
        return f"`{deployment.continues}` is no way to tell a Claude", "write `assistant`"
    return None


_AWS_HOST = re.compile(
    r"\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)\.(?:vpce\.)?(?:amazonaws\.|api\.aws|api\.amazonwebservices\.)"
)
_BEDROCK_HOST = re.compile(r"(?:^|\.)bedrock[a-z-]*\.")


def _host(endpoint: str | None) -> str:
    return urlsplit(endpoint or "").hostname or ""


def region_of(endpoint: str | None) -> str | None:
    """The AWS region that an address names; None where it names none (a proxy, say)."""
    found = _AWS_HOST.search(_host(endpoint))
    return found[1] if found else None


_HOST = r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+"


def _address(endpoint: str) -> None:
    found = _unreachable(endpoint)
    if found:
        shown = "" if "@" in endpoint else f"`{endpoint[:80]}` "  # what stands before it may be a secret
        raise FlawError(f"{shown}{found[0]}", found[1], ("endpoint",))


def _unreachable(endpoint: str) -> tuple[str, str] | None:
    """What is wrong with an address, and the remedy."""
    no_address = ("is not an address", "write for example `https://example.openai.azure.com`")
    no_port = ("has no valid port", "write 1 to 65535")
    if any(not "!" <= sign <= "~" for sign in endpoint):
        return "holds a blank or a sign beyond ASCII", "write a name's `xn--` form"
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        return no_address
    if parts.username is not None:
        return "holds a secret", "take it out and refer to it under `credential:`"
    if parts.scheme not in ("http", "https") or not re.fullmatch(_HOST, parts.hostname or ""):
        return no_address
    if parts.query or parts.fragment or endpoint.endswith(("?", "#")):
        return "has a query or a fragment", "write the address alone"
    try:
        return None if parts.port is None or parts.port > 0 else no_port
    except ValueError:
        return no_port


class _Addressed(_Deployment):
    endpoint: Endpoint = Field(description="its address, without the paths of single calls")

    @model_validator(mode="after")
    def _reachable(self) -> _Addressed:
        _address(self.endpoint)
        return self


class AzureDeployment(_Addressed):
    """A deployment of Azure OpenAI, by its resource's address (``https://example.openai.azure.com``)."""

    kind: Literal["azure"]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$")] | None = Field(
        default=None, description="an api-version, for the legacy paths; default: the v1 API"
    )

    @model_validator(mode="after")
    def _credential(self) -> AzureDeployment:
        if self.credential.aws:
            raise FlawError("is AWS's, and Azure takes a key or `entra: true`", "write one of them", ("credential",))
        if self.version and "responses" in self.serves:
            raise FlawError("the legacy paths serve no responses", "leave out `version:`", ("serves",))
        return self


class BedrockDeployment(_Deployment):
    """A model, or an inference profile, of Amazon Bedrock."""

    kind: Literal["bedrock"]
    api: Literal["converse", "invoke", "openai"] | None = Field(
        default=None,
        description="Converse, InvokeModel in Anthropic's shape for calls on `/v1/messages`, or the OpenAI-compatible "
        "endpoint; default: Converse, and InvokeModel for what is asked of a Claude in its own shape",
    )
    endpoint: Endpoint | None = Field(default=None, description="its address; default: that of the offer's region")

    @property
    def at_bedrock(self) -> bool:
        """It is, behind whatever address."""
        return True

    def takes_messages(self, name: str) -> bool:
        """Whether it takes Anthropic's own shape: Claude does, by InvokeModel, unless the case says otherwise."""
        return self.api == "invoke" or (self.api is None and "claude" in f"{name} {self.model}".lower())

    def cannot_go_on(self, name: str) -> tuple[str, str] | None:
        """By Converse none is told an answer's beginning; a Claude by InvokeModel may be, by its version."""
        if self.api == "openai" or self.continues is None:
            return None
        if not self.takes_messages(name):
            return "by Converse nobody is told the beginning of an answer", _STATES_NONE
        return _claude_cannot_go_on(self, name)

    @model_validator(mode="after")
    def _consistent(self) -> BedrockDeployment:
        if self.endpoint is not None:
            _address(self.endpoint)
        if self.credential.entra:
            raise FlawError("is Microsoft's, and Bedrock takes AWS's or a key", "write one of them", ("credential",))
        if self.api != "openai" and "responses" in self.serves:
            raise FlawError("Converse serves no responses", "say `api: openai`, or leave it out", ("serves",))
        return self


class AnthropicDeployment(_Addressed):
    """A model of Anthropic's at Anthropic, or at Azure AI Foundry (``https://….services.ai.azure.com/anthropic``)."""

    kind: Literal["anthropic"]
    endpoint: Endpoint = Field(
        default="https://api.anthropic.com", description="its address, without the paths of single calls"
    )

    def cannot_go_on(self, name: str) -> tuple[str, str] | None:
        """A Claude may be told an answer's beginning, by its version."""
        return _claude_cannot_go_on(self, name) if self.continues is not None else None

    @model_validator(mode="after")
    def _consistent(self) -> AnthropicDeployment:
        if self.credential.aws:
            raise FlawError(
                "is AWS's, and Anthropic takes a key or `entra: true`", "write one of them", ("credential",)
            )
        if self.serves != ("chat",):
            raise FlawError("Anthropic serves chat and nothing else", "leave it out", ("serves",))
        return self


class CompatibleDeployment(_Addressed):
    """An OpenAI-compatible endpoint, by its base address (``https://api.example.com/v1``): OpenAI, vLLM, GPU clouds."""

    kind: Literal["openai-compatible"]

    @property
    def at_bedrock(self) -> bool:
        """Bedrock speaks OpenAI's interface too, at addresses of its own."""
        return region_of(self.endpoint) is not None and bool(_BEDROCK_HOST.search(_host(self.endpoint)))

    @model_validator(mode="after")
    def _credential(self) -> CompatibleDeployment:
        if self.credential.aws or self.credential.entra:
            raise FlawError("an OpenAI-compatible endpoint takes a key", "write `{ env: NAME }`", ("credential",))
        return self


AnyDeployment = AnthropicDeployment | AzureDeployment | BedrockDeployment | CompatibleDeployment
Deployment = Annotated[AnyDeployment, Field(discriminator="kind")]
