"""Anthropic's own API, as Anthropic and Azure AI Foundry serve it. See ``docs/providers/anthropic.md``.

Owns: its path, headers and ways to authorize. A body in Anthropic's shape passes through but for the model's name and
what its version does not take (``claude``). Not here: reading replies and errors (``messages_stream``), and chat
completions said in this shape (``claude_chat``).
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from detente.live.deployment import AnthropicDeployment
from detente.providers.authority import Authority, KeyAuthority
from detente.providers.claude import Claude, claude_of, fitted
from detente.providers.messages_stream import MessagesDecoder, read_failure, reply_of
from detente.providers.omission import Omissions
from detente.providers.outgoing import Outgoing
from detente.providers.wire import (
    Call,
    Decoder,
    Failure,
    Headers,
    Refusal,
    Reply,
    Shape,
    Wire,
    joined,
    retry_after,
)

PATH = "/v1/messages"
VERSION = "2023-06-01"
"""Of the API, where a caller states none."""
JSON = ("content-type", "application/json")


class AnthropicWire(Wire):
    """A model at Anthropic, or of Anthropic's at Azure AI Foundry."""

    @property
    def base(self) -> str:
        assert isinstance(self.deployment, AnthropicDeployment)
        return self.deployment.endpoint.rstrip("/")

    @cached_property
    def claude(self) -> Claude:
        """What its model takes."""
        return claude_of(self.name, self.deployment.model)

    def speaks(self, shape: Shape) -> bool:
        return shape == "messages" and "chat" in self.deployment.serves

    def authority(self) -> Authority:
        if self.deployment.credential.entra:
            from detente.providers.entra import EntraAuthority

            return EntraAuthority()
        return KeyAuthority(self.deployment.credential, "x-api-key", "")

    def encode(self, call: Call) -> Outgoing:
        if call.operation != "messages":
            raise Refusal(f"{self.deployment.id} takes calls in Anthropic's shape; ask it on `/v1/messages`")
        omissions = Omissions(call.optional)
        members = fitted(call, self.claude, omissions)
        headers = [JSON, ("anthropic-version", call.version or VERSION)]
        if call.betas:
            headers.append(("anthropic-beta", ",".join(call.betas)))
        body = joined(members, [("model", msgspec.json.encode(self.name))])
        return Outgoing(PATH, tuple(headers), body, left_out=omissions.names)

    def decode(self, call: Call, headers: Headers, body: bytes) -> Reply | Failure:
        return reply_of(body)

    def decoder(self, call: Call, headers: Headers) -> Decoder:
        return MessagesDecoder()

    def failed(self, status: int, headers: Headers, body: bytes, call: Call | None = None) -> Failure:
        return read_failure(status, body, retry_after(headers))
