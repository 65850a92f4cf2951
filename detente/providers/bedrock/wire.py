"""Bedrock's side of the wire.

Owns: which of Bedrock's interfaces a call takes, and its verbs. Not here: translation, frames and signatures, each in
its own file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar
from urllib.parse import urlsplit

from detente.live.bedrock_name import BedrockName
from detente.live.deployment import BedrockDeployment, Continues
from detente.providers.authority import Authority, KeyAuthority
from detente.providers.bedrock.address import base_of, path_of, region_of
from detente.providers.bedrock.converse import request_of
from detente.providers.bedrock.converse_reply import reply_of
from detente.providers.bedrock.converse_stream import ConverseDecoder
from detente.providers.bedrock.credential_chain import ChainAuthority
from detente.providers.bedrock.embeddings import (
    embedding_parts,
    embedding_reply,
    embedding_request,
    embeddings_together,
    kind_of,
)
from detente.providers.bedrock.failures import read_failure
from detente.providers.bedrock.family import Family, family_of
from detente.providers.bedrock.invoke import InvokeDecoder, body_of, counting_of
from detente.providers.claude import Claude, claude_of
from detente.providers.messages_stream import count_at_bedrock
from detente.providers.messages_stream import reply_of as message_of
from detente.providers.openai_compatible import CompatibleWire
from detente.providers.outgoing import Outgoing
from detente.providers.tool_names import whole_names
from detente.providers.wire import Call, Decoder, Failure, Headers, Refusal, Reply, Shape, Wire

JSON = ("content-type", "application/json")
ACTIONS = ("converse", "converse-stream", "invoke", "invoke-with-response-stream", "count-tokens")
OPENAI = "/openai"
"""Where Bedrock keeps its OpenAI-compatible interface, before ``/v1``."""


class BedrockWire(Wire):
    """A model, or an inference profile, of Amazon Bedrock."""

    known_as: ClassVar[str] = "aws.bedrock"

    @cached_property
    def _declared(self) -> BedrockDeployment:
        assert isinstance(self.deployment, BedrockDeployment)
        return self.deployment

    @cached_property
    def family(self) -> Family:
        """The family of its model."""
        return family_of(self.name, self.deployment.model)

    @cached_property
    def _paths(self) -> dict[str, str]:
        paths = {action: path_of(self.name, action) for action in ACTIONS}
        return paths | {"count-tokens": path_of(BedrockName(self.name).model, "count-tokens")}  # it knows no profiles

    @cached_property
    def _openai(self) -> Wire | None:
        """OpenAI's own wire, where the deployment speaks it; embeddings go by InvokeModel in any case."""
        return CompatibleWire(self.deployment, self.name, self.region) if self._declared.api == "openai" else None

    @cached_property
    def claude(self) -> Claude:
        """What its model takes of Anthropic's own shape."""
        return claude_of(self.name, self.deployment.model)

    @cached_property
    def _native(self) -> bool:
        """Whether it takes Anthropic's own shape: Claude does, by InvokeModel, unless the case says otherwise."""
        return self._declared.takes_messages(self.name)

    def speaks(self, shape: Shape) -> bool:
        if shape in ("messages", "count"):
            return self._native and "chat" in self.deployment.serves
        return shape in self.deployment.serves

    def goes_on(self, shape: Shape) -> Continues | None:
        if self._openai is not None:
            return self._openai.goes_on(shape)
        return self.deployment.continues if shape == "messages" and self._native and self.claude.prefills else None

    @property
    def marks(self) -> Collection[str]:
        return self.family.cached if self._openai is None else ()

    @property
    def tags(self) -> Collection[str]:
        return ("metadata",) if self._openai is None else ()

    def _spoken(self, call: Call) -> Wire | None:
        return self._openai if call.operation != "embeddings" else None

    @property
    def base(self) -> str:
        endpoint = self._declared.endpoint
        return endpoint.rstrip("/") if endpoint is not None else base_of(self.region)

    def authority(self) -> Authority:
        credential = self.deployment.credential
        if credential.aws is None:
            return KeyAuthority(credential)
        return ChainAuthority(credential.aws, region_of(self.base, self.region), urlsplit(self.base).path)

    def parts(self, call: Call) -> Sequence[Call]:
        if call.operation != "embeddings":
            return (call,)
        return embedding_parts(call, kind_of(self.name, self.deployment.model), self.vocabulary)

    def together(self, replies: Sequence[Reply]) -> Reply:
        return embeddings_together(replies)

    def encode(self, call: Call) -> Outgoing:
        if (spoken := self._spoken(call)) is not None:
            same = spoken.encode(call)
            return Outgoing(f"{OPENAI}/v1{same.target}", same.headers, same.body, same.method, same.left_out)
        if call.operation == "embeddings":
            body, more, left_out = embedding_request(call, kind_of(self.name, self.deployment.model))
            return Outgoing(
                self._paths["invoke"], (JSON, ("accept", "application/json"), *more), body, left_out=left_out
            )
        if call.operation == "messages":
            body, left_out = body_of(call, self.claude)
            action = "invoke-with-response-stream" if call.stream else "invoke"
            return Outgoing(self._paths[action], (JSON,), body, left_out=left_out)
        if call.operation == "count":
            return Outgoing(self._paths["count-tokens"], (JSON,), counting_of(call, self.claude))
        if call.operation != "chat":
            raise Refusal("Bedrock's Converse serves chat and nothing else")
        action = "converse-stream" if call.stream else "converse"
        body, left_out = request_of(call, self.family)
        return Outgoing(self._paths[action], (JSON,), body, left_out=left_out)

    def decode(self, call: Call, headers: Headers, body: bytes) -> Reply | Failure:
        if (spoken := self._spoken(call)) is not None:
            return spoken.decode(call, headers, body)
        if call.operation == "embeddings":
            return embedding_reply(call, self.name, headers, body)
        if call.operation == "messages":
            return message_of(body)
        if call.operation == "count":
            return count_at_bedrock(body)
        return reply_of(self.name, headers, body, whole_names(call))

    def decoder(self, call: Call, headers: Headers) -> Decoder:
        if (spoken := self._spoken(call)) is not None:
            return spoken.decoder(call, headers)
        if call.operation == "messages":
            return InvokeDecoder()
        return ConverseDecoder(self.name, headers, call.asks_usage, names=whole_names(call))

    def failed(self, status: int, headers: Headers, body: bytes, call: Call | None = None) -> Failure:
        if self._openai is not None and "x-amzn-errortype" not in headers:
            return self._openai.failed(status, headers, body, call)
        found = read_failure(status, headers, body)
        if call is not None and call.operation == "count" and found.kind in ("credential", "unavailable"):
            return replace(found, kind="refused")  # another action than calls, which an account need not be allowed
        return found
