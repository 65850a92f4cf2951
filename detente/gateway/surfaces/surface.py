"""A surface: what callers see of one path of the gateway.

Owns: the verbs that every surface answers, and what a caller asked for. A surface speaks its callers' shape on one side
and OpenAI's on the other (``providers/wire``). Not here: HTTP (``app``), and where a call goes (``admit``, ``choose``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import msgspec

from detente.gateway.surfaces.told_from import ToldFrom, place_of
from detente.ledger.journals.record import TokenCounts
from detente.live.deployment import Feature, Operation
from detente.providers.wire import Around, Call, Failure, Refusal, Reply, Wire, failure

NO_HEADERS: Mapping[bytes, bytes] = {}


class KeptTurn(msgspec.Struct, frozen=True):
    """What the gateway keeps of one turn of a conversation: its own input, and the response to it, as JSON.

    ``previous`` is the id of the turn before it; empty of the first.
    """

    id: str
    previous: str
    input: bytes
    response: bytes


class Asked(msgspec.Struct, frozen=True):
    """What a caller asked for.

    ``pinned`` is the deployment that holds the state which the call builds on. ``prefix`` is the beginning of the
    prompt, by which calls that share a prompt cache find the same deployment. ``tokens`` is about how many the call may
    take, prompt and reply, for the headroom of limited deployments, and ``prompt`` about how many of them are the
    prompt's: estimates, never billed. ``workload`` is whose call it is, where ids that are given out say so.
    """

    call: Call
    model: str
    needs: frozenset[Feature] = frozenset()
    pinned: str | None = None
    prefix: bytes = b""
    tokens: int = 0
    workload: str = ""
    prompt: int = 0
    origin: Call | None = None
    """Of a call that is said in another shape: as it was asked."""
    tools: Mapping[str, Any] = {}
    """The tools of such a call, by the names under which they are told (``responses_tools``)."""
    wishes: frozenset[Feature] = frozenset()
    """What it needs, and may do without: who can do it is asked first."""
    recalls: str = ""
    """The id of a response that the gateway keeps, on which the call builds, or for which it asks."""
    fresh: bytes = b""
    """The input of a call that builds on such a response, without what came before."""
    kept_as: str = ""
    """The id under which the gateway keeps its reply, if it comes as a chat completion; empty where it is not kept."""
    told_from: Mapping[str, Sequence[ToldFrom]] = {}
    """Of a call that is said in another shape: where its caller wrote each item of a member."""
    served_by: str = ""
    """The model that serves it, where replies name that; empty where they name the one that was asked for."""

    def shown_model(self) -> str:
        """What a reply says that its model is."""
        return self.served_by or self.model

    @property
    def need(self) -> TokenCounts:
        """What it may take, prompt and reply."""
        return TokenCounts(self.prompt, max(0, self.tokens - self.prompt))

    @property
    def takes(self) -> TokenCounts | None:
        """The same of a call that is made; None of one whose tokens are only counted: that takes nothing."""
        return None if self.call.operation == "count" else self.need

    def allowing(self, lenient: frozenset[str]) -> Asked:
        """The same under a leniency: what may be left out is no need any more."""
        if not lenient:
            return self
        call = msgspec.structs.replace(self.call, optional=self.call.optional | lenient)
        wishes = self.wishes | frozenset(need for need in self.needs if need in lenient)
        return msgspec.structs.replace(self, call=call, needs=self.needs - wishes, wishes=wishes)


class AbsentError(Refusal):
    """A call for something that is not here: 404, where another that cannot be read is 400."""


class UnsayableError(Exception):
    """A reply that cannot be said in the caller's shape, or cannot be read: no answer is better than a wrong one.

    ``of_model``: the reply came as it should, and what its model said in it is what cannot be said.
    """

    def __init__(self, what: str, *, of_model: bool = False) -> None:
        super().__init__(what)
        self.of_model = of_model

    @property
    def failure(self) -> Failure:
        """The same as a failure."""
        return replace(failure("broken", 502, str(self), code="unsayable"), of_model=self.of_model)


class BlockPlace(msgspec.Struct, frozen=True):
    """Where within a stream of blocks its caller is: how many have begun, and the kind of one that is open."""

    begun: int = 0
    open: str = ""


class Rendering:
    """Renders one stream for its caller."""

    def feed(self, data: bytes) -> bytes:
        """Whole events in OpenAI's shape, as a wire's decoder gives them, in the caller's shape.

        Raises ``UnsayableError``: the stream then ends with ``fail``.
        """
        raise NotImplementedError

    def begins(self, around: Around) -> bytes | None:
        """How all events begin that have these bytes about their text, which is shown as it came with what is behind.

        None where each is to be fed. Neutral: None.
        """
        return None

    def goes_on(self, asked: Asked, deployment: str, place: BlockPlace) -> None:
        """Another deployment goes on with it, and is asked ``asked``: what is still to name a model names its.

        ``place`` is where its caller is, of a stream that passes through in blocks. Neutral: nothing, for a shape that
        names it once, at the beginning.
        """

    def next(self, shown: bytes) -> bytes:
        """Events of the gateway's own, in the caller's shape, as those that come next. Neutral: as they are."""
        return shown

    def close(self) -> bytes:
        """The end of a stream that is complete. Raises ``UnsayableError``."""
        raise NotImplementedError

    def whole(self) -> bytes:
        """What a stream that is closed came to, as the whole reply that it stands for. Neutral: nothing."""
        return b""

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """The end of a stream that failed: an error event, which clients raise, and no mark of completion."""
        raise NotImplementedError


class StreamHead:
    """What the caller of a stream has been told of it, whoever serves it in the end.

    ``sign`` is what a stream may say at any time between two events without saying anything: a comment, unless its
    surface says otherwise.
    """

    def __init__(self, sign: bytes = b": keep-alive\n\n") -> None:
        self._sign = sign

    def keep_alive(self) -> bytes:
        """Nothing was sent for a while: that the call lives."""
        return self._sign


class Surface:
    """One path: ``POST /v1/…``."""

    path: ClassVar[str]
    operation: ClassVar[Operation]
    id_header: ClassVar[str] = "x-request-id"
    """Where its clients look for a request's id: OpenAI's, unless it says otherwise."""
    makes: ClassVar[bool] = True
    """Whether a model answers, or what is asked has a limit of its own and tells nothing of who answers."""
    words: ClassVar[Mapping[str, str]] = {}
    """What its callers call members of a chat completion, where they call them otherwise."""

    def ask(self, body: bytes, workload: str = "", headers: Mapping[bytes, bytes] = NO_HEADERS) -> Asked:
        """Read the body of a workload's caller. Raises ``Refusal`` with a sentence and the member that is wrong."""
        raise NotImplementedError

    def recalled(self, asked: Asked, turns: Sequence[KeptTurn]) -> Asked:
        """The same with what it builds on, which may be kept no longer. Raises ``Refusal``. Neutral: nothing."""
        return asked

    def answered(self, asked: Asked, turns: Sequence[KeptTurn]) -> bytes | None:
        """What the gateway answers itself, from what it keeps. Neutral: None, for a call of a provider."""
        return None

    def keeps(self, asked: Asked) -> bool:
        """Whether a caller wants its reply kept. Neutral: no."""
        return False

    def turn(self, asked: Asked, body: bytes) -> KeptTurn | None:
        """What is kept of a reply; ``asked`` is as it was ``spoken``. Neutral: nothing."""
        return None

    def spoken(self, asked: Asked, wire: Wire) -> Asked:
        """The same in a shape that a wire takes. Raises ``Refusal`` where it cannot be said there.

        Neutral: as it was asked, since most wires take it.
        """
        return asked

    def forgetful(self, asked: Asked) -> Asked | None:
        """The same without thoughts that nobody who was asked can read, where the call may do without them.

        Neutral: None, for a call that may not, or that holds none.
        """
        return None

    @staticmethod
    def forgotten(asked: Asked, name: str, told: msgspec.Raw, what: str) -> Asked:
        """A call with another member in place of the one of a name, and ``what`` of it listed as left out."""
        call = asked.call
        left_out = tuple(dict.fromkeys((*call.left_out, what)))
        members = {**call.members, name: told}
        return msgspec.structs.replace(
            asked, call=msgspec.structs.replace(call, members=members, left_out=left_out, marks=None)
        )

    def lost(self, asked: Asked, model: str | None) -> Refusal | None:
        """What is said of a call that builds on what a deployment keeps which does not serve its model.

        ``model`` is what that deployment serves; None: it is here no longer. Neutral: None, for what admission says.
        """
        return None

    def whole(self, asked: Asked, reply: Reply, deployment: str) -> bytes:
        """A whole reply in the caller's shape; ``asked`` is as it was ``spoken``. Raises ``UnsayableError``."""
        raise NotImplementedError

    def otherwise(self, asked: Asked) -> tuple[bytes, bytes] | None:
        """(lines of headers, body) of what is answered where nobody serves a call. Neutral: None, for an error."""
        return None

    def head(self, asked: Asked, created: int, wires: Iterable[Wire]) -> StreamHead:
        """Of a stream that was asked for at ``created`` (seconds since 1970), and that one of these is to serve."""
        return StreamHead()

    def streamed(self, asked: Asked, deployment: str, head: StreamHead | None = None) -> Rendering:
        """A renderer of a streamed reply. ``head`` is what its caller was told before; None: nothing."""
        raise NotImplementedError

    def member(self, unable: str) -> str | None:
        """The member that asks for what a deployment is ``unable`` to do (see ``Candidate``); None where not known."""
        return "model" if unable == "operation" else None

    def refused(self, refusal: Refusal, asked: Asked, spoken: Asked) -> Refusal:
        """A wire's refusal of a call in its caller's words, where he wrote what is refused, if that is known.

        What a surface refuses itself is in these words already.
        """
        if spoken.call.operation == asked.call.operation:
            return refusal
        own = place_of(spoken.told_from, refusal.parameter or "", refusal.place)
        return (refusal if own is None else refusal.placed(own)).worded(self.words)

    def own_words(self, failed: Failure, asked: Asked, spoken: Asked) -> Failure:
        """A provider's failure with the member that it names as the caller wrote it; ``asked`` is as it came.

        In a call that was said in another shape a place is told where its caller wrote it, as far as that is known, and
        a member that is not his says nothing.
        """
        stated = failed.error.get("param")
        if not self.words or spoken.call.operation == asked.call.operation or not isinstance(stated, str):
            return failed
        name = stated.partition(".")[0].partition("[")[0]
        if (found := place_of(spoken.told_from, name, stated[len(name) :])) is not None:
            return replace(failed, error={**failed.error, "param": found})
        own = self.words.get(name, name)
        there = own.partition(".")[0] in asked.call.members
        return replace(failed, error={**failed.error, "param": own if there else None})

    def error(self, status: int, error: Mapping[str, Any]) -> bytes:
        """An error's body in the caller's shape, from OpenAI's error object (which may hold ``detente``)."""
        raise NotImplementedError
