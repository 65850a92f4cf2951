"""The server of one provider in one region, behind one port.

Owns: the order in which a call is judged, as the provider would: path, credential, body, deployment, faults, capacity,
content; then the answer. Not here: shapes (faces), the model, time (``play``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import msgspec

from detente.live.fault import Fault
from detente.providers.outgoing import HeaderPairs
from detente.providers.unreadable import UNREADABLE
from detente.sandbox import play
from detente.sandbox import played_model as model
from detente.sandbox.anthropic import AnthropicFace
from detente.sandbox.ask import Ask, Counts, Generation, WrongError
from detente.sandbox.azure import AzureFace
from detente.sandbox.bedrock import BedrockFace, BedrockOpenAIFace
from detente.sandbox.cache import Replies
from detente.sandbox.compatible import CompatibleFace
from detente.sandbox.face import ApiRoute, Face, HttpRequest, ParsedCall, Scene
from detente.sandbox.faults import Faults
from detente.sandbox.incoming_request import AT, addressed, bounded_body, model_named, request_of
from detente.sandbox.play import Stage
from detente.sandbox.reply import JSON, Streamed, Whole, json_bytes
from detente.sandbox.seat import CallRecord, Rhythm, Seat
from detente.sandbox.tokens import count

FACES: tuple[type[Face], ...] = (AnthropicFace, AzureFace, BedrockFace, BedrockOpenAIFace, CompatibleFace)
AT_ONCE = Rhythm(0.0, 0.0)
TOO_LARGE = Whole(
    413,
    json_bytes({"error": {"message": "The request is too large.", "code": "413"}}),
    (*JSON, ("connection", "close")),
)
NOWHERE = Whole(404, json_bytes({"error": {"message": "Nothing is served here.", "code": "404"}}))


class EarlyReply(Exception):  # noqa: N818 (it is an answer)
    """A call that gets another answer than the model's."""

    def __init__(self, reply: Whole) -> None:
        super().__init__()
        self.reply = reply


@dataclass
class World:
    """What all servers of a sandbox share."""

    faults: Faults
    clock: Callable[[], float]
    """Seconds since the sandbox's start."""
    epoch: float
    seed: int
    marked: int = 0

    def mark(self) -> str:
        """What is unique to a call: 32 hexadecimal digits."""
        self.marked += 1
        return hashlib.sha256(f"{self.seed}/{self.marked}".encode()).hexdigest()[:32]


@dataclass
class _Call:
    """A call while it is judged."""

    request: HttpRequest
    face: Face
    route: ApiRoute
    parsed: ParsedCall
    seat: Seat
    record: CallRecord
    fault: Fault | None = None
    headers: HeaderPairs = ()
    weight: float = 0.0


@dataclass
class RegionServer:
    """One provider in one region: an ASGI application."""

    provider: str
    region: str
    seats: Sequence[Seat]
    world: World
    faces: list[Face] = field(init=False)
    replies: Replies = field(default_factory=Replies, init=False)

    def __post_init__(self) -> None:
        kinds = {seat.deployment.kind for seat in self.seats}
        self.faces = [face(self.region, self.seats) for face in FACES if face.kind in kinds]

    def shared(self, seat: Seat) -> bool:
        """Whether a seat's name is another's too, so that only the prefix ``/at/<deployment>`` tells them apart."""
        same = [s for s in self.seats if s.name == seat.name and s.deployment.kind == seat.deployment.kind]
        return len(same) > 1

    def base(self, seat: Seat, address: str) -> str:
        """The address of a deployment, as its kind writes one."""
        prefix = f"{AT}{seat.deployment.id}" if self.shared(seat) else ""
        return f"{address}{prefix}{'/v1' if seat.deployment.kind == 'openai-compatible' else ''}"

    # -- one request ------------------------------------------------------------------------------------------------
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        stage = Stage(scope["state"]["link"], receive, send, self.world.clock)
        body = await bounded_body(receive)
        if body is None:
            if not stage.link.gone():
                await play.whole(TOO_LARGE, AT_ONCE, None, stage)
            return
        request, wanted = addressed(request_of(scope, body))
        face, route = self._routed(request)
        if face is None or route is None:
            lost = face or next((f for f in self.faces), None)
            await play.whole(lost.lost(request) if lost else NOWHERE, AT_ONCE, None, stage)
            return
        try:
            call = self._judged(request, face, route, wanted)
        except EarlyReply as stopped:
            await play.whole(stopped.reply, AT_ONCE, None, stage)
            return
        await self._served(call, stage)

    def _routed(self, request: HttpRequest) -> tuple[Face | None, ApiRoute | None]:
        """The face that a request is for: the first that knows the path; of several, the one that knows the model."""
        found = [(face, route) for face in self.faces if (route := face.route(request)) is not None]
        for face, route in found[:-1]:
            name = route.name or model_named(request.body)
            if name is not None and face.find(name) is not None:
                return face, route
        return found[-1] if found else (None, None)

    def _judged(self, request: HttpRequest, face: Face, route: ApiRoute, wanted: str | None) -> _Call:
        """Up to the model: who asks, what, of whom. Raises EarlyReply."""
        denied = face.unauthorized(request)
        if denied is not None:
            raise EarlyReply(denied)
        looked = face.look(route, self._created(), self.replies)
        if looked is not None:
            raise EarlyReply(looked)
        try:
            body = msgspec.json.decode(request.body)
            if not isinstance(body, dict):
                raise WrongError("The body is not a JSON object.")
            named = route.name if route.name is not None else body.get("model")
            if not isinstance(named, str):
                raise WrongError("you must provide a model parameter", "model")
            seat = self._seat(face, named, wanted)
            if seat is None:
                raise EarlyReply(face.unknown(named))
            parsed = face.read(route, body, self.replies)
        except UNREADABLE:
            raise EarlyReply(face.wrong(WrongError("The body is not valid JSON."))) from None
        except WrongError as error:
            raise EarlyReply(face.wrong(error)) from None
        record = CallRecord(self.world.clock(), route.operation, parsed.stream, input=parsed.input)
        return _Call(request, face, route, parsed, seat, seat.begin(record))

    def _seat(self, face: Face, name: str, wanted: str | None) -> Seat | None:
        if wanted is not None:
            found = (s for s in face.seats if s.deployment.id == wanted and face.is_named(s, name))
            return next(found, None)
        return face.find(name)

    async def _served(self, call: _Call, stage: Stage) -> None:
        """Answer a call to a deployment, and note how it ended."""
        call.fault = self._met(call.seat, stream=call.parsed.stream)
        call.record.fault = call.fault.id if call.fault else None
        outcome = "abandoned"
        try:
            if call.fault is not None and call.fault.kind == "down":
                outcome = "failed"
                await stage.leave(at_once=True)
                return
            reply = self._dated(self._answer(call))
            call.record.status = reply.status if isinstance(reply, Whole) else 200
            if reply.counts is not None:
                call.record.input, call.record.cached = reply.counts.input, reply.counts.cached
            if isinstance(reply, Whole):
                rhythm = call.seat.rhythm if reply.counts else AT_ONCE
                outcome = await play.whole(reply, rhythm, call.fault, stage)
            else:
                outcome = await play.streamed(reply, call.seat.rhythm, call.fault, stage)
        finally:
            call.record.output = stage.sent
            self._settle(call, stage.sent)
            call.seat.end(call.record, outcome)

    def _met(self, seat: Seat, *, stream: bool) -> Fault | None:
        at = self.world.clock()
        return self.world.faults.meets(seat.deployment.id, self.provider, self.region, at, stream=stream)

    # -- the answer -------------------------------------------------------------------------------------------------
    def _answer(self, call: _Call) -> Whole | Streamed:
        """What a call is answered, faults that refuse it included."""
        kind = call.fault.kind if call.fault else None
        if kind == "expired-credential":
            return call.face.expired(call.request)
        if kind == "unavailable":
            return call.face.unavailable()
        refused = self._admitted(call, throttled=kind == "throttled")
        if refused is not None:
            return refused
        generation = self._ungenerated(call)
        try:
            if call.parsed.ask is not None:
                asked = model.markers(call.parsed.ask)
                generation = self._with(generation, model.generate(call.parsed.ask, self.world.seed))
                judged = call.face.filtered(generation) if "filter" in asked else generation
                if isinstance(judged, Whole):
                    return replace(judged, headers=(*judged.headers, *call.headers))
                generation = judged
            scene = Scene(call.seat, generation.mark, call.headers)
            return call.face.render(call.route, call.parsed, generation, scene, self.replies)
        except WrongError as error:
            return call.face.wrong(error)

    def _admitted(self, call: _Call, *, throttled: bool) -> Whole | None:
        """Whether the deployment has capacity for a call, or another that it spills to; the refusal where not."""
        at, first, spilled = self.world.clock(), call.seat, None
        wait = call.fault.retry_after if throttled and call.fault else self._take(call, at)
        name = call.face.spills_to(call.request)
        refused = throttled or wait is not None
        other = call.face.find(name) if refused and first.provisioned and name else None
        if other is not None and other is not first:
            spilled, call.seat, call.record.spilled_from = first, other, first.deployment.id
            first.outcomes["spilled"] += 1
            other.begin(call.record)
            wait = self._take(call, at)
            refused = wait is not None
        call.headers = call.face.capacity(call.seat, at, spilled)
        if not refused:
            return None
        reply = call.face.throttled(call.seat, wait, call.request)
        return replace(reply, headers=(*reply.headers, *call.headers))

    def _take(self, call: _Call, at: float) -> float | None:
        """Take capacity; the seconds to wait where there is none."""
        bucket = call.seat.bucket
        if bucket is None:
            return None
        weight = bucket.weight(call.parsed.input, call.parsed.most(call.face.reserve))
        wait = bucket.take(at, weight)
        call.weight = weight if wait is None else 0.0
        return wait

    def _settle(self, call: _Call, output: int) -> None:
        bucket = call.seat.bucket
        if bucket is not None and call.weight:
            actual = bucket.weight(call.parsed.input, output, call.record.cached or 0)
            bucket.settle(self.world.clock(), call.weight, actual)

    def _ungenerated(self, call: _Call) -> Generation:
        cached = written = 0
        ask = call.parsed.ask or Ask("")
        if call.face.marks:
            cached, written = call.seat.cache.point(ask.prompt, ask.points)
        elif call.parsed.ask is not None:
            cached = call.seat.cache.read(ask.prompt)
        name = call.seat.model if call.seat.deployment.kind == "azure" else call.seat.name
        counts = Counts(call.parsed.input, cached=cached, written=written)
        return Generation(self.world.mark(), self._created(), name, ask, (), counts)

    @staticmethod
    def _with(generation: Generation, choices: tuple[Any, ...]) -> Generation:
        output = sum(choice.tokens for choice in choices)
        reasoning = sum(count(choice.reasoning) for choice in choices)
        return replace(
            generation, choices=choices, counts=replace(generation.counts, output=output, reasoning=reasoning)
        )

    def _dated(self, reply: Whole | Streamed) -> Whole | Streamed:
        """A reply with its time, as every provider's has."""
        at = datetime.fromtimestamp(self._created(), UTC)
        return replace(reply, headers=(*reply.headers, ("date", format_datetime(at, usegmt=True))))

    def _created(self) -> int:
        return int(self.world.epoch + self.world.clock())
