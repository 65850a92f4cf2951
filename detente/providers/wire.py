"""A wire: how one kind of provider is spoken to. Bytes in, bytes out, no I/O.

Owns: the verbs that every wire answers, and the values they exchange. Every body on the caller's side of a wire is in
OpenAI's shape: a wire whose provider speaks another translates both ways. Not here: sockets and deadlines
(``gateway/upstream``), secrets (``authority``), and Anthropic's shape on the caller's side (``gateway/surfaces``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import msgspec

from detente.live.deployment import AnyDeployment, Continues
from detente.providers.authority import Authority
from detente.providers.outgoing import Outgoing
from detente.providers.vocabulary import Vocabulary

Headers = Mapping[str, str]
"""A reply's headers, names in lower case; of one that occurs twice, the last."""


Media = Literal["images", "documents"]
"""Files within a call."""
FETCHING = "or state under `serving:` that the gateway may fetch it: `fetch: { hosts: [files.example.com] }`"
"""The remedy where a file by its address has no place on a wire."""
Shape = Literal["chat", "embeddings", "responses", "messages", "count"]
"""The shape of a call: OpenAI's, by operation, or Anthropic's: ``messages``, and ``count`` of their tokens."""


# -- what is asked --------------------------------------------------------------------------------------------------
Members = dict[str, msgspec.Raw]
"""A JSON object, each of whose members is read where it is needed."""


class Call(msgspec.Struct, frozen=True):
    """A call in a shape: its top-level members, each still the JSON text that the caller wrote.

    ``asks_usage`` says whether the caller asked for the usage of a stream (``stream_options.include_usage``): a wire
    asks its provider for it in any case, and hides the chunk from a caller who did not.
    """

    operation: Shape
    members: Mapping[str, msgspec.Raw]
    stream: bool = False
    asks_usage: bool = False
    method: str = "POST"
    item: str = ""
    """Of a call for something that is stored there: what follows the operation's path, its query included."""
    optional: frozenset[str] = frozenset()
    """What may be left out where a provider cannot do it (names of ``live/leniency``)."""
    left_out: tuple[str, ...] = ()
    """Members of the caller's body that its surface left out when it said the call in this shape."""
    betas: tuple[str, ...] = ()
    """Of a call in Anthropic's shape: the betas that its caller asks for."""
    version: str = ""
    """Of a call in Anthropic's shape: the version of it that its caller states; empty where it states none."""
    budget: int | None = None
    """Tokens of thought, where the caller stated them in Anthropic's shape. OpenAI's has no budgets, so the members say
    the effort that comes nearest; a wire whose provider knows budgets goes by this."""
    marks: frozenset[bytes] | None = None
    """What its messages hold (``marks``); None where nobody has looked."""


# -- what comes back ------------------------------------------------------------------------------------------------
MAX_TOKENS = 2**53
"""Beyond any model's, and within what every reader of JSON holds: a provider that states more has stated nothing."""


class Tokens(msgspec.Struct, frozen=True, gc=False):
    """What a provider metered.

    ``cached`` and ``written`` are parts of ``input``, ``reasoning`` is a part of ``output``.
    """

    input: int
    output: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0


FailureKind = Literal[
    "throttled",
    "unavailable",
    "timeout",
    "unreachable",
    "credential",
    "exhausted",
    "broken",
    "gateway",
    "refused",
    "filtered",
    "too-long",
    "foreign",
]
"""``throttled``: 429. ``unavailable``: 5xx. ``timeout``, ``unreachable``, ``broken``: no reply, no connection, or one
that cannot be read. ``credential``: ours is not accepted. ``gateway``: it was not asked, for a limit or a mistake of
our own, which says nothing of it. ``exhausted``: our account there has no money or quota left. ``refused``: the request
itself is wrong. ``filtered``: its content. ``too-long``: it does not fit the model's window, and may fit another's.
``foreign``: it sends back a thought that cannot be read there, and that another may have made."""

FAILS_OVER: frozenset[FailureKind] = frozenset(
    {"throttled", "unavailable", "timeout", "unreachable", "credential", "exhausted", "broken", "gateway"}
)
FOREIGN = "invalid_encrypted_content"
"""OpenAI's code of a call whose encrypted reasoning was not made where it is sent."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that a provider did not serve.

    ``status`` and ``error`` (OpenAI's error object: message, type, param, code) are what the caller is told if nobody
    else serves the call. ``retry_after`` is in seconds.
    """

    kind: FailureKind
    status: int
    error: Mapping[str, Any]
    retry_after: float | None = None
    detail: str = ""
    """What the operator is told, in the journal, and the caller is not: addresses, say."""
    passing: bool = False
    """Whether the same deployment may well serve the call if it is asked once more: a reset, a 5xx (in a 200, too)."""
    of_model: bool = False
    """Whether it is what the model said, of which the deployment that served it is no less healthy."""

    @property
    def fails_over(self) -> bool:
        """Whether another deployment may do better: a request that is itself wrong is wrong everywhere."""
        return self.kind in FAILS_OVER


def failure(
    kind: FailureKind, status: int, message: str, *, code: str | None = None, retry_after: float | None = None
) -> Failure:
    """A failure in OpenAI's words."""
    type_ = "rate_limit_error" if status == 429 else _TYPES.get(kind, "upstream_error")
    error = {"message": message, "type": type_, "param": None, "code": code or kind}
    return Failure(kind, status, error, retry_after)


def foreign() -> Failure:
    """A call that sends back encrypted reasoning which whoever was asked cannot read."""
    what = "nobody who may serve the call can read the encrypted reasoning that `input` sends back"
    message = f"{what}: it was made elsewhere, or changed on its way; leave its items out (`lenient: [reasoning]`)"
    error = {"message": message, "type": "invalid_request_error", "param": "input", "code": FOREIGN}
    return Failure("foreign", 400, error)


_TYPES: dict[FailureKind, str] = {
    "throttled": "rate_limit_error",
    "gateway": "server_error",
    "refused": "invalid_request_error",
    "filtered": "invalid_request_error",
}


class Reply(msgspec.Struct, frozen=True):
    """A whole reply in OpenAI's shape. ``tokens`` is None where the provider did not say: unknown, never zero (§12).

    ``model`` is the name that it gives its model, as JSON text; empty where that was not read.
    """

    body: bytes
    tokens: Tokens | None
    finish: str | None = None
    model: bytes = b""


class StreamPart(msgspec.Struct):
    """What some bytes of a stream meant.

    ``data`` is whole server-sent events in OpenAI's shape, ready for the caller (``data: …`` and a blank line each;
    none of them ``data: [DONE]``, which is the gateway's to send). ``content`` counts the events of it that hold
    content: a caller's headers wait for the first. A ``failure`` ends the stream, as does ``done``: the provider said
    that it is complete.
    """

    data: bytes = b""
    content: int = 0
    tokens: Tokens | None = None
    finish: str | None = None
    failure: Failure | None = None
    done: bool = False


class Around(msgspec.Struct, frozen=True):
    """What stands about the text of an event that is a piece of content and nothing else.

    With the same about another text that is not empty, an event is that, too.
    """

    before: bytes
    behind: bytes

    def fits(self, data: bytes) -> bool:
        """Whether some bytes are one such event. One whose text holds a quotation mark is not looked into."""
        before, behind = self.before, self.behind
        start, end = len(before), len(data) - len(behind)
        return (
            data.startswith(before)
            and data.endswith(behind)
            and start < end
            and not data.count(b'"', start, end)
            and not data.count(b"\n", start, end)
            and not data.count(b"\r", start, end)
            and is_utf8(data)
        )


class Decoder:
    """Reads one streamed reply. Bounded: an event that grows past its limit is a ``broken`` failure."""

    around: Around | None = None
    """Of an event that has come, where another that is like it may come next and pass as it is. Neutral: of none."""

    def feed(self, data: bytes) -> StreamPart:
        """What these bytes mean, with what was left of those before."""
        raise NotImplementedError

    def end(self) -> StreamPart:
        """The provider closed the stream: a failure (``broken``), unless it had said that it was complete."""
        raise NotImplementedError


def ended_early(last: StreamPart) -> Failure:
    """Why a stream that is over is not complete: what its last bytes say of that, else that more was to come."""
    if last.failure is not None and last.failure.kind != "broken":
        return last.failure
    return failure("broken", 502, "the provider's stream ended before it was complete")


# -- the verbs ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Wire:
    """One deployment's side of the wire.

    Parameters
    ----------
    deployment
        As declared.
    name
        What the provider calls it.
    region
        The region of its offer.
    model
        What the case calls the model that it serves; empty where it names none.
    vocabulary
        Of the tokens that callers send in place of texts, where the case names one.
    """

    known_as: ClassVar[str] = "openai"
    """What OpenTelemetry calls whoever speaks so."""

    deployment: AnyDeployment
    name: str
    region: str
    model: str = ""
    vocabulary: Vocabulary | None = None

    @property
    def base(self) -> str:
        """The address that all its paths are under: ``https://host[:port][/path]``."""
        raise NotImplementedError

    def speaks(self, shape: Shape) -> bool:
        """Whether it takes calls of a shape. Neutral: those that its deployment serves."""
        return shape in self.deployment.serves

    def fetches(self, shape: Shape) -> frozenset[Media]:
        """Which files its provider fetches itself, of a call in a shape that holds their addresses. Neutral: none."""
        return frozenset()

    def goes_on(self, shape: Shape) -> Continues | None:
        """How it is told to go on with an answer in a shape that another began; None: it cannot be.

        Neutral: with a chat completion as its deployment states, with a response as vLLM is told, else with nothing.
        """
        how = self.deployment.continues
        return how if shape == "chat" or (shape == "responses" and how == "vllm") else None

    @property
    def marks(self) -> Collection[str]:
        """Members in which a chat completion may hold marks of Anthropic's for the prompt cache (``cache_control``).

        Neutral: none; OpenAI's has no marks, and caches by itself.
        """
        return ()

    @property
    def tags(self) -> Collection[str]:
        """Members of a chat completion that tag it in its provider's logs, and that are told here by themselves.

        Neutral: none; OpenAI takes `metadata` only of completions that it stores.
        """
        return ()

    def authority(self) -> Authority:
        """What authorizes its requests."""
        raise NotImplementedError

    def encode(self, call: Call) -> Outgoing:
        """The request.

        Nothing of a call is ever dropped silently: raises ``Refusal`` where this provider cannot do all of it, where it
        cannot be said on this wire, or where it is not well formed.
        """
        raise NotImplementedError

    def parts(self, call: Call) -> Sequence[Call]:
        """The calls that a call is made as, where a provider takes less at a time. Neutral: itself.

        Raises ``Refusal`` as ``encode`` does.
        """
        return (call,)

    def together(self, replies: Sequence[Reply]) -> Reply:
        """The replies to a call's parts, in their order, as one."""
        raise NotImplementedError

    def cannot(self, call: Call) -> Refusal | None:
        """What of a call cannot be said here; None where all of it can."""
        try:
            for part in self.parts(call):
                self.encode(part)
        except Refusal as refusal:
            return refusal
        return None

    def decode(self, call: Call, headers: Headers, body: bytes) -> Reply | Failure:
        """A whole reply of status 200. One that cannot be read is a ``broken`` failure."""
        raise NotImplementedError

    def spilled(self, headers: Headers) -> bool:
        """Whether the provider itself moved the call from provisioned to paid capacity. Neutral: no."""
        return False

    def decoder(self, call: Call, headers: Headers) -> Decoder:
        """A reader of a streamed reply of status 200."""
        raise NotImplementedError

    def failed(self, status: int, headers: Headers, body: bytes, call: Call | None = None) -> Failure:
        """What a reply of another status means; ``call`` is what it answers."""
        raise NotImplementedError


class Refusal(Exception):  # noqa: N818 (it is an answer)
    """A call that is not served: the request itself cannot be said on this wire.

    Of a sentence that begins with a ``member`` of the call, ``says`` is what comes after it. ``place`` is where in that
    member, of a call in OpenAI's shape. ``leaving`` is a member that may be left out instead, which the sentence says
    before ``rest``.
    """

    def __init__(
        self,
        says: str,
        parameter: str | None = None,
        member: str = "",
        place: str = "",
        leaving: str = "",
        rest: str = "",
    ) -> None:
        self.says, self.parameter, self.member, self.place = says, parameter, member, place
        self.leaving, self.rest = leaving, rest
        super().__init__(self.message)

    @classmethod
    def of(cls, member: str, says: str, parameter: str | None = None) -> Self:
        """Of a member of the call, as OpenAI's interface calls it, which is the parameter unless that is another."""
        return cls(says, parameter or member, member)

    @property
    def message(self) -> str:
        """The sentence."""
        said = f"`{self.member}{self.place}` {self.says}" if self.member else self.says
        return (f"{said}; leave `{self.leaving}` out" if self.leaving else said) + self.rest

    @property
    def param(self) -> str | None:
        """The parameter that an error names, with the place in it."""
        within = self.parameter is not None and self.member in ("", self.parameter)
        return f"{self.parameter}{self.place}" if within else self.parameter

    def adding(self, more: str, *, leaving: str = "") -> Refusal:
        """The same, with more at its end, after which member, as OpenAI's interface calls it, may be left out."""
        if leaving:
            return Refusal(self.says, self.parameter, self.member, self.place, leaving, more)
        if self.leaving:
            return Refusal(self.says, self.parameter, self.member, self.place, self.leaving, self.rest + more)
        return Refusal(self.says + more, self.parameter, self.member, self.place)

    def at(self, place: str) -> Refusal:
        """The same at a place in its member, as of one message: ``[3]``. A place that it has is one within that."""
        return Refusal(self.says, self.parameter, self.member, place + self.place, self.leaving, self.rest)

    def placed(self, own: str) -> Refusal:
        """The same at a place of its caller's, in whose shape the call was said otherwise."""
        return Refusal(self.says, own, own if self.member else "", leaving=self.leaving, rest=self.rest)

    def worded(self, words: Mapping[str, str]) -> Refusal:
        """The same for somebody who calls members otherwise, to whom places in OpenAI's shape say nothing."""
        if not words:
            return self
        parameter = None if self.parameter is None else _worded(self.parameter, words)
        leaving = _worded(self.leaving, words)
        return Refusal(self.says, parameter, _worded(self.member, words), leaving=leaving, rest=self.rest)

    @property
    def failure(self) -> Failure:
        """The same as a failure."""
        error = {"message": self.message, "type": "invalid_request_error", "param": self.param, "code": "unsupported"}
        return Failure("refused", 400, error)


def _worded(member: str, words: Mapping[str, str]) -> str:
    """A member, or a place in one: ``stop``, ``messages[0]``, ``messages[0].content``."""
    name = member.partition(".")[0].partition("[")[0]
    return words.get(name, name) + member[len(name) :]


def is_utf8(data: bytes) -> bool:
    """Whether all of some bytes is UTF-8. What is not is broken, on every wire: nobody can say what was meant."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


UNKNOWN = "unknown"
"""A reason to finish that was stated, and is none: the reply is kept, and its record says so."""


def as_text(stated: Any) -> str:
    """A member beside the content, as text: what is none says nothing, and spoils no reply."""
    return stated if isinstance(stated, str) else ""


def as_reason(stated: Any) -> str | None:
    """A reason to finish as it was stated; None where none was."""
    return (stated if isinstance(stated, str) else UNKNOWN) if stated else None


def joined(members: Mapping[str, msgspec.Raw], changed: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """The members as one JSON object, some of them changed or added; no other byte of the caller's text is touched."""
    merged = dict(members)
    for name, text in changed:
        merged[name] = msgspec.Raw(text)
    return msgspec.json.encode(merged)
