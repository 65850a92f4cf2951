"""Anthropic's own API, as Anthropic and Azure AI Foundry serve it. See ``docs/providers/anthropic.md``.

Owns: its path, headers and ways to authorize. A body in Anthropic's shape passes through but for the model's name and
what its version does not take (``claude``). Not here: reading replies and errors (``messages_stream``), and chat
completions said in this shape (``claude_chat``).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import ClassVar

import msgspec

from detente.live.deployment import AnthropicDeployment, Continues
from detente.providers.anthropic_error import read_failure
from detente.providers.authority import Authority, KeyAuthority
from detente.providers.bedrock.family import Family
from detente.providers.breakpoints import CACHED_MEMBERS
from detente.providers.claude import Claude, claude_of, counted, fitted
from detente.providers.claude_chat import claude_family, request_of
from detente.providers.claude_chat import reply_of as chat_of
from detente.providers.claude_chat_stream import ClaudeChatDecoder
from detente.providers.messages_stream import MessagesDecoder, count_of, reply_of
from detente.providers.omission import Omissions
from detente.providers.outgoing import HeaderPairs, Outgoing
from detente.providers.retry_after import retry_after
from detente.providers.tool_names import whole_names
from detente.providers.wire import Call, Decoder, Failure, Headers, Media, Refusal, Reply, Shape, Wire

PATH = "/v1/messages"
VERSION = "2023-06-01"
"""Of the API, where a caller states none."""
JSON = ("content-type", "application/json")


class AnthropicWire(Wire):
    """A model at Anthropic, or of Anthropic's at Azure AI Foundry."""

    known_as: ClassVar[str] = "anthropic"

    @property
    def base(self) -> str:
        assert isinstance(self.deployment, AnthropicDeployment)
        return self.deployment.endpoint.rstrip("/")

    @cached_property
    def quoted_name(self) -> msgspec.Raw:
        """What its provider calls the model, as JSON."""
        return msgspec.Raw(msgspec.json.encode(self.name))

    @cached_property
    def claude(self) -> Claude:
        """What its model takes."""
        return claude_of(self.name, self.deployment.model)

    @cached_property
    def family(self) -> Family:
        """What it takes of a chat completion."""
        return claude_family(self.name, self.model or self.deployment.model)

    def speaks(self, shape: Shape) -> bool:
        return shape in ("chat", "messages", "count") and "chat" in self.deployment.serves

    def goes_on(self, shape: Shape) -> Continues | None:
        return self.deployment.continues if shape == "messages" and self.claude.prefills else None

    def fetches(self, shape: Shape) -> frozenset[Media]:
        return frozenset({"images"}) if shape == "chat" else frozenset({"images", "documents"})

    @property
    def marks(self) -> Collection[str]:
        return CACHED_MEMBERS

    def authority(self) -> Authority:
        if self.deployment.credential.entra:
            from detente.providers.entra import EntraAuthority

            return EntraAuthority()
        return KeyAuthority(self.deployment.credential, "x-api-key", "")

    def encode(self, call: Call) -> Outgoing:
        if call.operation == "chat":
            members, left_out = request_of(call, self.family)
        elif call.operation in ("messages", "count"):
            omissions = Omissions(call.optional)
            members = fitted(call, self.claude, omissions)
            left_out = omissions.names
        else:
            raise Refusal(f"{self.deployment.id} serves chat and messages, and no {call.operation}")
        headers: HeaderPairs = (JSON, ("anthropic-version", call.version or VERSION))
        if call.betas:
            headers += (("anthropic-beta", ",".join(call.betas)),)
        path = PATH
        if call.operation == "count":
            members, path = counted(members), f"{PATH}/count_tokens"
        members["model"] = self.quoted_name
        return Outgoing(path, headers, msgspec.json.encode(members), left_out=left_out)

    def decode(self, call: Call, headers: Headers, body: bytes) -> Reply | Failure:
        if call.operation == "chat":
            return chat_of(self.name, headers, body, whole_names(call))
        return count_of(body) if call.operation == "count" else reply_of(body)

    def decoder(self, call: Call, headers: Headers) -> Decoder:
        if call.operation == "chat":
            return ClaudeChatDecoder(self.name, headers, call.asks_usage, whole_names(call))
        return MessagesDecoder()

    def failed(self, status: int, headers: Headers, body: bytes, call: Call | None = None) -> Failure:
        return read_failure(status, body, retry_after(headers))
