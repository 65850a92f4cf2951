"""Anthropic's face: its own API, and the same at Azure AI Foundry.

Owns: its paths, headers, authorization and errors. Not here: the shape (``messages``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from detente.providers.claude import claude_of
from detente.providers.outgoing import HeaderPairs
from detente.sandbox import messages
from detente.sandbox.ask import Generation, WrongError
from detente.sandbox.cache import Replies
from detente.sandbox.face import ApiRoute, Face, HttpRequest, ParsedCall, Scene
from detente.sandbox.reply import EVENTS, JSON, Piece, Streamed, Whole, json_bytes, sse
from detente.sandbox.seat import Seat

MORE = ("model", "stream", "context_management", "diagnostics", "service_tier", "speed", "cache_control", "container")
TOOL = ("eager_input_streaming", "defer_loading", "input_examples", "allowed_callers")
MARK = ("ttl", "scope")


def _error(status: int, kind: str, message: str, headers: HeaderPairs = ()) -> Whole:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_sandbox"}
    return Whole(status, json_bytes(body), (*JSON, *headers))


class AnthropicFace(Face):
    """Anthropic's Messages API."""

    kind = "anthropic"
    marks = True

    def route(self, request: HttpRequest) -> ApiRoute | None:
        if request.method != "POST" or request.path not in ("/v1/messages", "/v1/messages/count_tokens"):
            return None
        return ApiRoute("count" if request.path.endswith("count_tokens") else "messages")

    def read(self, route: ApiRoute, body: Mapping[str, Any], replies: Replies) -> ParsedCall:
        counted = route.operation == "count"
        given = {"max_tokens": 1, **body} if counted else body
        ask = messages.ask(given, claude_of(str(body.get("model"))), MORE, TOOL, MARK)
        return ParsedCall(counted, ask.tokens, ask, body.get("stream") is True and not counted)

    def render(
        self, route: ApiRoute, parsed: ParsedCall, generation: Generation, scene: Scene, replies: Replies
    ) -> Whole | Streamed:
        headers: HeaderPairs = (("request-id", f"req_{scene.mark[:24]}"), *scene.headers)
        if parsed.held:
            return Whole(200, json_bytes({"input_tokens": parsed.input}), (*JSON, *headers))
        if not parsed.stream:
            return Whole(200, json_bytes(messages.whole(generation)), (*JSON, *headers), generation.counts)
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        spoilt = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"te\n\n'
        return Streamed(_pieces(generation), sse(error, "error"), spoilt, (*EVENTS, *headers), generation.counts)

    # -- refusals ---------------------------------------------------------------------------------------------------
    def unauthorized(self, request: HttpRequest) -> Whole | None:
        headers = request.headers
        if not headers.get("x-api-key") and not headers.get("authorization", "").startswith("Bearer "):
            return _error(401, "authentication_error", "x-api-key header is required")
        if "anthropic-version" not in headers:
            return _error(400, "invalid_request_error", "anthropic-version: header is required")
        return None

    def expired(self, request: HttpRequest) -> Whole:
        return _error(401, "authentication_error", "invalid x-api-key")

    def lost(self, request: HttpRequest) -> Whole:
        return _error(404, "not_found_error", "Not Found")

    def unknown(self, name: str) -> Whole:
        return _error(404, "not_found_error", f"model: {name[:120]}")

    def wrong(self, error: WrongError) -> Whole:
        return _error(error.status, "invalid_request_error", error.message)

    def throttled(self, seat: Seat, seconds: float | None, request: HttpRequest) -> Whole:
        what = "This request would exceed your organization's rate limit."
        return _error(429, "rate_limit_error", what, (("retry-after", str(round(seconds or 1))),))

    def unavailable(self) -> Whole:
        return _error(529, "overloaded_error", "Overloaded")


def _pieces(generation: Generation) -> Iterator[Piece]:
    for event, tokens in messages.events(generation):
        yield Piece(sse(event, event["type"]), tokens, event["type"] == "message_delta")
