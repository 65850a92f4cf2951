"""A face: one API of one kind of provider, as its clients see it.

Owns: the verbs that every face answers, and the values they exchange. Not here: the order in which a call is judged
(``region_server``), time and faults (``play``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from detente.providers.outgoing import HeaderPairs
from detente.sandbox.ask import Ask, Generation, WrongError
from detente.sandbox.bucket import ESTIMATE
from detente.sandbox.cache import Replies
from detente.sandbox.reply import Streamed, Whole
from detente.sandbox.seat import Seat


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came: the path still encoded, names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    signed_path: str = ""
    """The path as it was sent, which a signature covers; ``path`` may lack the prefix that names a deployment."""


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """What a request asks for: ``name`` is the deployment or model of the path, ``key`` a reply's id."""

    operation: str
    name: str | None = None
    key: str | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """A call that was read. ``held`` is what its face needs to render it."""

    held: Any
    input: int
    ask: Ask | None = None
    stream: bool = False

    def most(self, default: int) -> int:
        """The most tokens that it may generate, as far as it says."""
        return 0 if self.ask is None else (self.ask.most or default) * self.ask.n


@dataclass(frozen=True, slots=True)
class Scene:
    """What a face may know of a call while it renders it: its seat, its mark, and headers about capacity."""

    seat: Seat
    mark: str
    headers: HeaderPairs = ()


class Face:
    """One API. Errors are whole replies in the provider's own shape."""

    kind: ClassVar[str]
    """The kind of deployment that it plays."""
    marks: ClassVar[bool] = False
    """Whether callers mark what is to be cached; else beginnings of prompts are cached by themselves."""
    reserve: ClassVar[int] = ESTIMATE
    """Tokens of output that are reserved for a call that states no limit."""

    def __init__(self, region: str, seats: Sequence[Seat]) -> None:
        self.region, self.seats = region, [seat for seat in seats if seat.deployment.kind == self.kind]

    def route(self, request: HttpRequest) -> ApiRoute | None:
        """What a request asks for; None where the path is not this face's."""
        raise NotImplementedError

    def unauthorized(self, request: HttpRequest) -> Whole | None:
        """The refusal of a request without a valid credential."""
        raise NotImplementedError

    def is_named(self, seat: Seat, name: str) -> bool:
        """Whether a deployment goes by a name."""
        return seat.name == name

    def find(self, name: str) -> Seat | None:
        """The deployment of a name."""
        return next((seat for seat in self.seats if self.is_named(seat, name)), None)

    def read(self, route: ApiRoute, body: Mapping[str, Any], replies: Replies) -> ParsedCall:
        """The call. Raises WrongError."""
        raise NotImplementedError

    def render(
        self, route: ApiRoute, parsed: ParsedCall, generation: Generation, scene: Scene, replies: Replies
    ) -> Whole | Streamed:
        """The answer. Raises WrongError."""
        raise NotImplementedError

    def look(self, route: ApiRoute, created: int, replies: Replies) -> Whole | None:
        """The answer to what calls no model (a list of models, a kept reply); None where a model is called."""
        return None

    def spills_to(self, request: HttpRequest) -> str | None:
        """The deployment that takes over where the one asked for has no capacity."""
        return None

    def capacity(self, seat: Seat, at: float, spilled_from: Seat | None) -> HeaderPairs:
        """Headers about capacity."""
        return ()

    # -- refusals ---------------------------------------------------------------------------------------------------
    def lost(self, request: HttpRequest) -> Whole:
        """No such path."""
        raise NotImplementedError

    def unknown(self, name: str) -> Whole:
        """No such deployment or model."""
        raise NotImplementedError

    def wrong(self, error: WrongError) -> Whole:
        """The request itself is wrong."""
        raise NotImplementedError

    def filtered(self, generation: Generation) -> Generation | Whole:
        """What becomes of a prompt whose content offends. Neutral: it is answered like any other."""
        return generation

    def throttled(self, seat: Seat, seconds: float | None, request: HttpRequest) -> Whole:
        """Too much at once; ``seconds`` is when to ask again, None for what is usual."""
        raise NotImplementedError

    def unavailable(self) -> Whole:
        """The service cannot serve now."""
        raise NotImplementedError

    def expired(self, request: HttpRequest) -> Whole:
        """The credential is no longer valid."""
        raise NotImplementedError
