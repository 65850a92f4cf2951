"""Azure OpenAI's face: the paths of deployments with an api-version, and the v1 API.

Owns: Azure's paths, headers, content filter, spill-over and errors. Not here: the plain shape (``openai``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

from detente.providers.outgoing import HeaderPairs
from detente.sandbox import openai
from detente.sandbox.ask import Generation, WrongError
from detente.sandbox.face import ApiRoute, HttpRequest, Scene
from detente.sandbox.reply import JSON, Json, Piece, Whole, json_bytes, sse
from detente.sandbox.seat import Seat

LEGACY = "/openai/deployments/"
HARMS = ("hate", "self_harm", "sexual", "violence")
USUAL_WAIT = {True: 0.5, False: 5.0}  # by whether the capacity is provisioned
REQUESTS_PER_TOKEN = 6 / 1000
"""Azure grants six requests a minute for every thousand tokens a minute."""


def _verdicts(filtered: str | None = None) -> Json:
    return {harm: {"filtered": harm == filtered, "severity": "high" if harm == filtered else "safe"} for harm in HARMS}


class AzureFace(openai.OpenAIFace):
    """Azure OpenAI."""

    kind = "azure"
    prefix: ClassVar[str] = "/openai/v1"

    def route(self, request: HttpRequest) -> ApiRoute | None:
        if not request.path.startswith(LEGACY):
            return super().route(request)
        name, _, rest = request.path.removeprefix(LEGACY).partition("/")
        operation = openai.OPERATIONS.get(f"/{rest}")
        version = parse_qs(request.query).get("api-version", [""])[0]
        if request.method != "POST" or operation not in ("chat", "embeddings") or not version:
            return None
        return ApiRoute(operation, unquote(name))

    def spills_to(self, request: HttpRequest) -> str | None:
        return request.headers.get("x-ms-spillover-deployment") or None

    # -- what Azure adds --------------------------------------------------------------------------------------------
    def headers(self, scene: Scene) -> HeaderPairs:
        mark = scene.mark
        request_id = f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}"
        return (
            ("apim-request-id", request_id),
            ("x-request-id", request_id),
            ("x-ms-region", self.region),
            ("x-ms-deployment-name", scene.seat.name),
            ("x-ms-rai-invoked", "true"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
            ("x-content-type-options", "nosniff"),
        )

    def capacity(self, seat: Seat, at: float, spilled_from: Seat | None) -> HeaderPairs:
        found: list[tuple[str, str]] = []
        if spilled_from is not None:
            found += [("x-ms-spillover-from-deployment", spilled_from.name), ("x-ms-spillover-error", "429")]
        if seat.bucket is None:
            return tuple(found)
        if seat.provisioned:
            return (*found, ("azure-openai-deployment-utilization", f"{seat.bucket.utilisation(at) * 100:.1f}%"))
        limit, left = int(seat.bucket.per_minute), seat.bucket.left(at)
        pairs = (
            ("x-ratelimit-limit-requests", max(1, int(limit * REQUESTS_PER_TOKEN))),
            ("x-ratelimit-remaining-requests", int(left * REQUESTS_PER_TOKEN)),
            ("x-ratelimit-limit-tokens", limit),
            ("x-ratelimit-remaining-tokens", left),
        )
        return (*found, *((name, str(value)) for name, value in pairs))

    def opening(self, generation: Generation) -> Iterator[Piece]:
        head = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
        yield Piece(sse({**head, "prompt_filter_results": self._prompt_verdicts()}))

    @staticmethod
    def _prompt_verdicts() -> list[Json]:
        verdicts = {**_verdicts(), "jailbreak": {"filtered": False, "detected": False}}
        return [{"prompt_index": 0, "content_filter_results": verdicts}]

    def decorated(self, body: Json, generation: Generation) -> Json:
        choices = [self._judged(choice) for choice in body["choices"]]
        return {**body, "choices": choices, "prompt_filter_results": self._prompt_verdicts()}

    def decorated_chunk(self, chunk: Json) -> Json:
        return {**chunk, "choices": [self._judged(choice) for choice in chunk["choices"]]}

    def decorated_response(self, body: Json) -> Json:
        return {"user": None, **body}

    @staticmethod
    def _judged(choice: Json) -> Json:
        """A choice with what the filter says of it: a chunk without text has nothing to judge."""
        filtered = "violence" if choice["finish_reason"] == "content_filter" else None
        judged = filtered or "message" in choice or choice["delta"].get("content")
        return {**choice, "content_filter_results": _verdicts(filtered) if judged else {}}

    # -- refusals ---------------------------------------------------------------------------------------------------
    def unauthorized(self, request: HttpRequest) -> Whole | None:
        bearer = request.headers.get("authorization", "")
        if request.headers.get("api-key", "").strip() or bearer.removeprefix("Bearer ").strip() not in ("", bearer):
            return None
        return self._denied()

    @staticmethod
    def _denied() -> Whole:
        message = (
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for "
            "an active subscription and use a correct regional API endpoint for your resource."
        )
        return _error(401, "401", message)

    def expired(self, request: HttpRequest) -> Whole:
        if request.headers.get("api-key"):
            return self._denied()
        what = "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired."
        return Whole(401, json_bytes({"statusCode": 401, "message": what}))

    def lost(self, request: HttpRequest) -> Whole:
        return _error(404, "404", "Resource not found")

    def unknown(self, name: str) -> Whole:
        message = (
            "The API deployment for this resource does not exist. If you created the deployment within the last 5 "
            "minutes, please wait a moment and try again."
        )
        return _error(404, "DeploymentNotFound", message)

    def wrong(self, error: WrongError) -> Whole:
        return openai.error(error.status, error.message, "invalid_request_error", param=error.param, code=error.code)

    def filtered(self, generation: Generation) -> Generation | Whole:
        verdicts = {**_verdicts("violence"), "jailbreak": {"filtered": False, "detected": False}}
        message = (
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
            "modify your prompt and retry."
        )
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": verdicts}
        found = {"message": message, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
        return Whole(400, json_bytes({"error": {**found, "innererror": inner}}))

    def throttled(self, seat: Seat, seconds: float | None, request: HttpRequest) -> Whole:
        wait = USUAL_WAIT[seat.provisioned] if seconds is None else seconds
        after: HeaderPairs = (("retry-after", str(math.ceil(wait))), ("retry-after-ms", str(math.ceil(wait * 1000))))
        if seat.provisioned:
            what = f"The provisioned throughput of {seat.name} is used up. Please retry after {wait:.3f} seconds."
            return _error(429, "429", what, after)
        what = (
            f"Your requests to {seat.name} for {seat.model} in {self.region} have exceeded the token rate limit of "
            f"your pricing tier. Please retry after {math.ceil(wait)} seconds."
        )
        return _error(429, "RateLimitReached", what, after)

    def unavailable(self) -> Whole:
        what = "The service is temporarily unable to process your request. Please try again later."
        return _error(503, "ServiceUnavailable", what)


def _error(status: int, code: str, message: str, headers: HeaderPairs = ()) -> Whole:
    """An error as the front of Azure words it."""
    body: Mapping[str, Any] = {"error": {"code": code, "message": message}}
    return Whole(status, json_bytes(body), (*JSON, *headers))
