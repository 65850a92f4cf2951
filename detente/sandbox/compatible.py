"""The face of an OpenAI-compatible endpoint, as vLLM plays it.

Owns: its paths, its errors, and its manners: usage in a stream only when asked for, reasoning shown beside the text,
`[DONE]` even after an error inside a stream. Not here: the plain shape (``openai``).
"""

from __future__ import annotations

import math
from typing import Any

from detente.providers.outgoing import HeaderPairs
from detente.sandbox import openai
from detente.sandbox.ask import WrongError
from detente.sandbox.face import HttpRequest, Scene
from detente.sandbox.reply import DONE, Whole, json_bytes
from detente.sandbox.seat import Seat


class CompatibleFace(openai.OpenAIFace):
    """An OpenAI-compatible endpoint."""

    kind = "openai-compatible"
    thoughts = True
    after_error = DONE

    def headers(self, scene: Scene) -> HeaderPairs:
        return (("x-request-id", scene.mark),)

    def stream_error(self) -> dict[str, Any]:
        message = "The engine died while it generated the reply."
        return {"error": {"message": message, "type": "InternalServerError", "param": None, "code": 500}}

    def model_entry(self, name: str, created: int) -> dict[str, Any]:
        more: dict[str, Any] = {"root": name, "parent": None, "max_model_len": 131_072, "permission": []}
        return {**super().model_entry(name, created), **more}

    def unauthorized(self, request: HttpRequest) -> Whole | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return None if scheme.lower() == "bearer" and key.strip() else self.expired(request)

    def expired(self, request: HttpRequest) -> Whole:
        return Whole(401, json_bytes({"error": "Unauthorized"}))

    def lost(self, request: HttpRequest) -> Whole:
        return Whole(404, json_bytes({"detail": "Not Found"}))

    def unknown(self, name: str) -> Whole:
        return openai.error(404, f"The model `{name[:120]}` does not exist.", "NotFoundError", param="model", code=404)

    def wrong(self, error: WrongError) -> Whole:
        kind = "NotFoundError" if error.status == 404 else "BadRequestError"
        return openai.error(error.status, error.message, kind, param=error.param, code=error.status)

    def throttled(self, seat: Seat, seconds: float | None, request: HttpRequest) -> Whole:
        wait = math.ceil(2.0 if seconds is None else seconds)
        what = f"Rate limit reached for {seat.name}. Please try again in {wait} s."
        return openai.error(429, what, "rate_limit_error", code=429, headers=(("retry-after", str(wait)),))

    def unavailable(self) -> Whole:
        return openai.error(503, "No worker is available.", "ServiceUnavailableError", code=503)
