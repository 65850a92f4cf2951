"""Amazon Bedrock's faces: its runtime (Converse, ConverseStream, InvokeModel), and its OpenAI-compatible endpoint.

Owns: Bedrock's paths, headers, authorization and errors. Not here: the shapes (``converse``, ``invoke``, ``openai``),
frames (``eventstream``) and signatures (``signature``).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import unquote

import msgspec

from detente.live.bedrock_name import BedrockName
from detente.providers.claude import BEDROCK_BETAS, Claude, claude_of
from detente.providers.outgoing import HeaderPairs
from detente.sandbox import converse, eventstream, invoke, messages, openai, signature
from detente.sandbox.ask import Choice, Generation, WrongError
from detente.sandbox.cache import Replies
from detente.sandbox.face import ApiRoute, Face, HttpRequest, ParsedCall, Scene
from detente.sandbox.reply import JSON, Piece, Streamed, Whole, json_bytes
from detente.sandbox.seat import Seat
from detente.sandbox.tokens import count

STREAM: HeaderPairs = (("content-type", "application/vnd.amazon.eventstream"),)
MAX_REPLY_TOKENS = 4_096
"""Tokens that the models played generate at most, and Bedrock reserves for a call that sets no ``maxTokens``."""
BLOCKED = "Sorry, the model cannot answer this question."
ACTIONS = ("converse", "converse-stream", "invoke", "invoke-with-response-stream", "count-tokens")
COUNT = "count-tokens"
STREAMED = "invoke-with-response-stream"
ANTHROPIC = "anthropic_version"
CLAUDE = "claude"
"""What is held of a call in Anthropic's shape."""
_PAD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def _error(status: int, kind: str, message: str) -> Whole:
    where = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
    return Whole(status, json_bytes({"message": message}), (*JSON, ("x-amzn-errortype", kind + where)))


def _refused(request: HttpRequest, region: str) -> tuple[str, str] | None:
    """(kind, message) of why a request is not authorized: neither a bearer key nor a right signature."""
    given = request.headers.get("authorization", "")
    if not given:
        return "MissingAuthenticationTokenException", "Missing Authentication Token"
    if given.startswith("Bearer "):
        return None if given[7:].strip() else ("AccessDeniedException", "The bearer token is empty.")
    wrong = signature.fault(request, region)
    return ("InvalidSignatureException", wrong) if wrong else None


def _outdated(request: HttpRequest) -> tuple[str, str]:
    if request.headers.get("authorization", "").startswith("Bearer "):
        return "AccessDeniedException", "Authentication failed: the API key has expired."
    return "ExpiredTokenException", "The security token included in the request is expired"


class BedrockFace(Face):
    """Bedrock's runtime."""

    kind = "bedrock"
    marks = True
    reserve = MAX_REPLY_TOKENS

    def route(self, request: HttpRequest) -> ApiRoute | None:
        parts = request.path.split("/")
        if request.method != "POST" or len(parts) != 4 or parts[1] != "model":
            return None
        return ApiRoute(parts[3], unquote(parts[2])) if parts[3] in ACTIONS else None

    def is_named(self, seat: Seat, name: str) -> bool:
        return name in (seat.name, BedrockName(seat.name).model)

    def read(self, route: ApiRoute, body: Mapping[str, Any], replies: Replies) -> ParsedCall:
        if route.operation == COUNT:
            if BedrockName(route.name or "").prefix is not None:  # a profile's: only models count
                raise WrongError("The provided model doesn't support counting tokens.")
            counted = _counted(body)
            return ParsedCall(COUNT, messages.ask(*_claude(counted, route.name or "")).tokens)
        if route.operation.startswith("invoke") and ANTHROPIC in body:
            ask = messages.ask(*_claude(body, route.name or ""))
            return ParsedCall(CLAUDE, ask.tokens, ask, route.operation == STREAMED)
        if route.operation == STREAMED:
            raise WrongError("The model is unsupported for this operation.")
        if route.operation == "invoke":
            return ParsedCall(body, sum(count(text) for text in _texts(body)))
        ask = converse.ask(body)
        return ParsedCall(None, ask.tokens, ask, route.operation == "converse-stream")

    def render(
        self, route: ApiRoute, parsed: ParsedCall, generation: Generation, scene: Scene, replies: Replies
    ) -> Whole | Streamed:
        rhythm = scene.seat.rhythm
        latency = round((rhythm.first + rhythm.each * generation.counts.output) * 1000)
        mark: HeaderPairs = (("x-amzn-requestid", _request_id(scene.mark)),)
        if parsed.held is COUNT:
            return Whole(200, json_bytes({"inputTokens": parsed.input}), (*JSON, *mark))
        if parsed.held is CLAUDE and not parsed.stream:
            return Whole(200, json_bytes(messages.whole(generation)), (*JSON, *mark), generation.counts)
        if route.operation == "invoke":
            body, tokens = invoke.reply(scene.seat.name, parsed.held, generation.mark)
            told = (
                ("x-amzn-bedrock-input-token-count", str(tokens)),
                ("x-amzn-bedrock-invocation-latency", str(latency)),
            )
            return Whole(200, json_bytes(body), (*JSON, *mark, *told), generation.counts)
        if not parsed.stream:
            return Whole(200, json_bytes(converse.whole(generation, latency)), (*JSON, *mark), generation.counts)
        what = json_bytes(
            {"message": "The system encountered an unexpected error during processing. Try your request again."}
        )
        spoiled = eventstream.spoiled(_frame("contentBlockDelta", {"delta": {"text": "half"}, "contentBlockIndex": 0}))
        exception = eventstream.exception("internalServerException", what)
        if parsed.held is CLAUDE:
            spoiled = eventstream.spoiled(_chunk({"type": "content_block_delta"}))
            return Streamed(self._chunks(generation, latency), exception, spoiled, (*STREAM, *mark), generation.counts)
        return Streamed(self._frames(generation, latency), exception, spoiled, (*STREAM, *mark), generation.counts)

    @staticmethod
    def _frames(generation: Generation, latency: int) -> Iterator[Piece]:
        for kind, body, tokens in converse.events(generation, latency):
            yield Piece(_frame(kind, body), tokens, kind == "messageStop")

    @staticmethod
    def _chunks(generation: Generation, latency: int) -> Iterator[Piece]:
        for event, tokens in messages.events(generation):
            if event["type"] == "message_stop":
                counted = {"inputTokenCount": generation.counts.input, "outputTokenCount": generation.counts.output}
                event["amazon-bedrock-invocationMetrics"] = {**counted, "invocationLatency": latency}
            yield Piece(_chunk(event), tokens, event["type"] == "message_delta")

    def filtered(self, generation: Generation) -> Generation | Whole:
        """A guardrail answers instead of the model."""
        return replace(
            generation, choices=(Choice("blocked", BLOCKED),), counts=replace(generation.counts, output=count(BLOCKED))
        )

    # -- refusals ---------------------------------------------------------------------------------------------------
    def unauthorized(self, request: HttpRequest) -> Whole | None:
        wrong = _refused(request, self.region)
        return _error(403, *wrong) if wrong else None

    def expired(self, request: HttpRequest) -> Whole:
        return _error(403, *_outdated(request))

    def lost(self, request: HttpRequest) -> Whole:
        return _error(404, "UnknownOperationException", "The requested operation is not recognized by the service.")

    def unknown(self, name: str) -> Whole:
        return _error(400, "ValidationException", "The provided model identifier is invalid.")

    def wrong(self, error: WrongError) -> Whole:
        return _error(error.status, "ValidationException", error.message)

    def throttled(self, seat: Seat, seconds: float | None, request: HttpRequest) -> Whole:
        return _error(429, "ThrottlingException", "Too many tokens, please wait before trying again.")

    def unavailable(self) -> Whole:
        return _error(503, "ServiceUnavailableException", "Bedrock is unable to process your request.")


class BedrockOpenAIFace(openai.OpenAIFace):
    """Bedrock's OpenAI-compatible endpoint."""

    kind = "bedrock"
    prefix: ClassVar[str] = "/openai/v1"
    operations: ClassVar[tuple[str, ...]] = ("chat", "responses")
    reserve = MAX_REPLY_TOKENS

    def headers(self, scene: Scene) -> HeaderPairs:
        return (("x-amzn-requestid", _request_id(scene.mark)),)

    def unauthorized(self, request: HttpRequest) -> Whole | None:
        wrong = _refused(request, self.region)
        return self._error(401 if "Missing" in wrong[0] else 403, *wrong, "authentication_error") if wrong else None

    def expired(self, request: HttpRequest) -> Whole:
        return self._error(403, *_outdated(request), "authentication_error")

    def lost(self, request: HttpRequest) -> Whole:
        return self._error(404, "UnknownOperationException", "Not found.", "invalid_request_error")

    def unknown(self, name: str) -> Whole:
        what = f"The model '{name[:120]}' does not exist."
        return self._error(404, "ResourceNotFoundException", what, "invalid_request_error", "model_not_found")

    def wrong(self, error: WrongError) -> Whole:
        found = openai.error(error.status, error.message, "invalid_request_error", param=error.param, code=error.code)
        return replace(found, headers=(*found.headers, ("x-amzn-errortype", "ValidationException")))

    def throttled(self, seat: Seat, seconds: float | None, request: HttpRequest) -> Whole:
        what = "Too many tokens, please wait before trying again."
        return self._error(429, "ThrottlingException", what, "rate_limit_error", "rate_limit_exceeded")

    def unavailable(self) -> Whole:
        what = "Bedrock is unable to process your request."
        return self._error(503, "ServiceUnavailableException", what, "server_error")

    @staticmethod
    def _error(status: int, kind: str, message: str, type_: str, code: str | None = None) -> Whole:
        return openai.error(status, message, type_, code=code, headers=(("x-amzn-errortype", kind),))


def _counted(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body of InvokeModel whose tokens are to be counted. Raises WrongError."""
    try:
        found = msgspec.json.decode(b64decode(body["input"]["invokeModel"]["body"], validate=True))
    except (KeyError, TypeError, ValueError):
        found = None
    if not isinstance(found, dict) or ANTHROPIC not in found:
        raise WrongError("The sandbox counts the tokens of bodies of InvokeModel in Anthropic's shape.")
    return found


def _claude(body: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], Claude, tuple[str, ...], Any, Any]:
    """What ``messages.ask`` takes, as Bedrock judges a body of Anthropic's. Raises WrongError."""
    if not re.fullmatch(r"bedrock-2023-05-31|\d{4}-\d\d-\d\d", str(body[ANTHROPIC])):
        raise WrongError("anthropic_version: Input should be 'bedrock-2023-05-31'")
    betas = body.get("anthropic_beta") or []
    if any(beta not in BEDROCK_BETAS.values() for beta in betas):
        raise WrongError("invalid beta flag")
    editing = any(beta.startswith(("context-management-", "compact-")) for beta in betas)
    more = (ANTHROPIC, "anthropic_beta", *(("context_management",) if editing else ()))
    claude = claude_of(unquote(name))
    searching = any(beta.startswith(("tool-search-", "tool-examples-")) for beta in betas)
    tool = ("defer_loading", "input_examples") if searching else ()
    return body, claude, more, tool, ("ttl",) if claude.keeps else ()


def _chunk(event: Mapping[str, Any]) -> bytes:
    """One of Anthropic's events, as InvokeModelWithResponseStream carries it."""
    held = b64encode(json_bytes(event)).decode()
    return eventstream.event("chunk", json_bytes({"bytes": held, "p": _PAD[: 4 + len(held) % 40]}))


def _frame(kind: str, body: Mapping[str, Any]) -> bytes:
    """An event, padded as Bedrock pads it: so that sizes tell nothing of the text."""
    payload = json_bytes({**body, "p": _PAD[: 4 + len(repr(body)) % 40]})
    return eventstream.event(kind, payload)


def _request_id(mark: str) -> str:
    return f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}"


def _texts(body: Mapping[str, Any]) -> list[str]:
    given = body.get("texts", [body.get("inputText")])
    return [text for text in given if isinstance(text, str)] if isinstance(given, list) else []
