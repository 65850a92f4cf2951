"""What all OpenAI-shaped faces share: paths, reading, rendering, streams of server-sent events.

Owns: the plain shape. Not here: what Azure, a GPU cloud or Bedrock add to it and how they word errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from detente.providers.outgoing import HeaderPairs
from detente.sandbox import chat, chat_request, embeddings, responses
from detente.sandbox.ask import Generation, WrongError
from detente.sandbox.cache import Kept, Replies
from detente.sandbox.face import ApiRoute, Face, HttpRequest, ParsedCall, Scene
from detente.sandbox.reply import DONE, EVENTS, JSON, Json, Piece, Streamed, Whole, json_bytes, sse

OPERATIONS = {"/chat/completions": "chat", "/embeddings": "embeddings", "/responses": "responses"}


class OpenAIFace(Face):
    """A face in OpenAI's shape, under a prefix."""

    prefix: ClassVar[str] = "/v1"
    operations: ClassVar[tuple[str, ...]] = ("chat", "embeddings", "responses")
    thoughts: ClassVar[bool] = False
    """Whether chat shows reasoning, or only counts it."""

    # -- reading ----------------------------------------------------------------------------------------------------
    def route(self, request: HttpRequest) -> ApiRoute | None:
        if not request.path.startswith(f"{self.prefix}/"):
            return None
        rest = request.path[len(self.prefix) :]
        operation = OPERATIONS.get(rest)
        if request.method == "POST":
            return ApiRoute(operation) if operation in self.operations else None
        if request.method == "GET" and rest == "/models":
            return ApiRoute("models", method="GET")
        if request.method == "GET" and rest.startswith("/models/"):
            return ApiRoute("models", key=rest.removeprefix("/models/"), method="GET")
        key = rest.removeprefix("/responses/")
        if request.method == "GET" and key != rest and key.endswith("/input_items") and "responses" in self.operations:
            return ApiRoute("input_items", key=key.removesuffix("/input_items"), method="GET")
        if request.method in ("GET", "DELETE") and key != rest and key and "/" not in key:
            return ApiRoute("response", key=key, method=request.method) if "responses" in self.operations else None
        return None

    def read(self, route: ApiRoute, body: Mapping[str, Any], replies: Replies) -> ParsedCall:
        stream = body.get("stream") is True
        if route.operation == "embeddings":
            texts = embeddings.texts(body)
            return ParsedCall(texts, texts.tokens)
        if route.operation == "chat":
            ask = chat_request.ask(body)
            options = body.get("stream_options")
            asks_usage = isinstance(options, Mapping) and options.get("include_usage") is True
            if options is not None and not stream:
                raise WrongError("'stream_options' is only allowed when 'stream' is true.", "stream_options")
            return ParsedCall(asks_usage, ask.tokens, ask, stream)
        asked = responses.ask(body, self._before(body.get("previous_response_id"), replies))
        return ParsedCall(asked, asked.ask.tokens, asked.ask, stream)

    @staticmethod
    def _before(key: Any, replies: Replies) -> str:
        if key is None:
            return ""
        kept = replies.get(key) if isinstance(key, str) else None
        if kept is None:
            what = f"Previous response with id '{str(key)[:80]}' not found."
            raise WrongError(what, "previous_response_id", "previous_response_not_found")
        return kept.prompt

    # -- answering --------------------------------------------------------------------------------------------------
    def render(
        self, route: ApiRoute, parsed: ParsedCall, generation: Generation, scene: Scene, replies: Replies
    ) -> Whole | Streamed:
        headers = (*self.headers(scene), *scene.headers)
        if route.operation == "embeddings":
            body = embeddings.reply(parsed.held, scene.seat.model, generation.model)
            return Whole(200, json_bytes(body), (*JSON, *headers), generation.counts)
        if route.operation == "chat":
            if parsed.stream:
                pieces = self._chunks(generation, asks_usage=parsed.held)
                return self._streamed(pieces, sse(self.stream_error()), (*EVENTS, *headers), generation)
            body = self.decorated(chat.whole(generation, thoughts=self.thoughts), generation)
            return Whole(200, json_bytes(body), (*JSON, *headers), generation.counts)
        whole = self.decorated_response(responses.whole(generation, parsed.held))
        if parsed.held.store:
            said = "".join(choice.text for choice in generation.choices)
            items = msgspec.json.encode(responses.items_of(parsed.held.body.get("input"), generation.mark))
            replies.keep(whole["id"], Kept(json_bytes(whole), f"{parsed.held.ask.prompt}\n{said}", items))
        if parsed.stream:
            failed = {"type": "error", "code": "server_error", "param": None, "sequence_number": 0}
            failed["message"] = "The server had an error while it generated the reply."
            exception = sse(failed, "error")
            return self._streamed(self._events(generation, parsed.held), exception, (*EVENTS, *headers), generation)
        return Whole(200, json_bytes(whole), (*JSON, *headers), generation.counts)

    def _streamed(
        self, pieces: Iterator[Piece], exception: bytes, headers: HeaderPairs, generation: Generation
    ) -> Streamed:
        malformed = (
            f'data: {{"id":"{generation.mark}","choices":[{{"index":0,"delta":{{"content":"half a'.encode() + b"\n\n"
        )
        return Streamed(pieces, exception + self.after_error, malformed, headers, generation.counts)

    def _chunks(self, generation: Generation, *, asks_usage: bool) -> Iterator[Piece]:
        yield from self.opening(generation)
        for chunk, tokens in chat.chunks(generation, thoughts=self.thoughts, asks_usage=asks_usage):
            ends = any(choice.get("finish_reason") for choice in chunk.get("choices", ()))
            yield Piece(sse(self.decorated_chunk(chunk)) if chunk else b"", tokens, ends)
        yield Piece(DONE)

    def _events(self, generation: Generation, asked: responses.ResponsesCall) -> Iterator[Piece]:
        for event, tokens in responses.events(generation, asked):
            if "response" in event:
                event["response"] = self.decorated_response(event["response"])
            ends = event["type"] in ("response.completed", "response.incomplete")
            yield Piece(sse(event, event["type"]), tokens, ends)

    def look(self, route: ApiRoute, created: int, replies: Replies) -> Whole | None:
        if route.operation == "models":
            listed = [self.model_entry(seat.name, created) for seat in self.seats]
            if route.key is None:
                return Whole(200, json_bytes({"object": "list", "data": listed}))
            found = next((entry for entry in listed if entry["id"] == route.key), None)
            return Whole(200, json_bytes(found)) if found else self.unknown(route.key)
        if route.operation not in ("response", "input_items") or route.key is None:
            return None
        kept = replies.get(route.key)
        if kept is None:
            what = f"Response with id '{route.key[:80]}' not found."
            return self.wrong(WrongError(what, None, "response_not_found", 404))
        if route.operation == "input_items":
            return Whole(200, json_bytes(_page(kept)))
        if route.method == "DELETE":
            replies.drop(route.key)
            return Whole(200, json_bytes({"id": route.key, "object": "response", "deleted": True}))
        return Whole(200, kept.reply)

    # -- what a kind adds -------------------------------------------------------------------------------------------
    after_error: ClassVar[bytes] = b""
    """What follows an error inside a stream."""

    def headers(self, scene: Scene) -> HeaderPairs:
        """Headers of every reply."""
        return ()

    def opening(self, generation: Generation) -> Iterator[Piece]:
        """What a stream opens with."""
        return iter(())

    def decorated(self, body: Json, generation: Generation) -> Json:
        """A whole reply, with what the kind adds."""
        return body

    def decorated_chunk(self, chunk: Json) -> Json:
        """A chunk, with what the kind adds."""
        return chunk

    def decorated_response(self, body: Json) -> Json:
        """A reply of the Responses API, with what the kind adds."""
        return body

    def stream_error(self) -> Json:
        """An error inside a stream."""
        message = "The server had an error while processing your request. Sorry about that!"
        return {"error": {"message": message, "type": "server_error", "param": None, "code": None}}

    def model_entry(self, name: str, created: int) -> Json:
        """One model of the list."""
        return {"id": name, "object": "model", "created": created, "owned_by": "sandbox"}


def _page(kept: Kept) -> Json:
    """The items of a stored response's input, as one page."""
    items: list[Json] = msgspec.json.decode(kept.items)
    ends = {"first_id": items[0]["id"], "last_id": items[-1]["id"]} if items else {"first_id": None, "last_id": None}
    return {"object": "list", "data": items, **ends, "has_more": False}


def error(
    status: int, message: str, kind: str, *, param: str | None = None, code: Any = None, headers: HeaderPairs = ()
) -> Whole:
    """An error in OpenAI's shape."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Whole(status, json_bytes(body), (*JSON, *headers))
