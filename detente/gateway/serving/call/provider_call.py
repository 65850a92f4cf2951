"""One deployment asked for a call: the only I/O of the gateway's hot path.

Owns: making its request, reading its reply or stream, and recording the reply before its last byte (§12). Before the
first content any failure is given back, and another deployment may be asked; after it the caller sees an error event,
never a false end. Not here: which deployment is asked, and when again (``relay``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from detente.errors import CredentialError
from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.deciding.policy import Deployed
from detente.gateway.deciding.standings import NOTHING_HELD
from detente.gateway.http.exchange import JSON, Exchange, HeaderLines
from detente.gateway.serving.aside import LARGE, aside
from detente.gateway.serving.call.asking import Made, ProviderCall
from detente.gateway.serving.call.call_parts import all_of
from detente.gateway.serving.call.continuation import Said, is_spent
from detente.gateway.serving.call.fetching import Fetching
from detente.gateway.serving.call.going_on import going_on
from detente.gateway.serving.call.job import Job, Served
from detente.gateway.serving.call.mishap import tell, unanswered, unasked, unknown_use, unread
from detente.gateway.serving.call.passage import Passage
from detente.gateway.serving.call.recorder import Recorder
from detente.gateway.serving.call.redaction import sought, struck_bytes, struck_failure
from detente.gateway.serving.call.refusal import detail
from detente.gateway.serving.call.stream import Stream
from detente.gateway.serving.clock import Clock
from detente.gateway.serving.observing.call_trace import AttemptSpan
from detente.gateway.serving.observing.metrics import Metrics
from detente.gateway.surfaces.surface import Asked, UnsayableError
from detente.gateway.upstream import Incoming, Upstream, UpstreamError
from detente.gateway.upstream.visits import Visits
from detente.ledger.journals.record import Attempt, milliseconds
from detente.live.key import sent_along
from detente.providers.outgoing import HeaderPairs
from detente.providers.retry_after import dated
from detente.providers.wire import Call, Failure, Refusal, Reply, StreamPart, failure

MAX_REPLY = 64 * 1024 * 1024
"""The largest whole reply that is held: a batch of embeddings takes some tens of megabytes."""
MAX_ERROR = 1024 * 1024
LAST_BYTES = 1.0
"""Seconds for the end of a body after the event that completes its stream: then the connection may serve again."""
UNKNOWN_USE: HeaderLines = b"x-detente-usage: unknown\r\n"
"""Of a whole reply, which may have to say 0 where its shape has no word for that."""
LEFT = 499
"""The status in the record of a call whose caller left before it saw any."""


class ProviderCalls:
    """Asks deployments, one at a time.

    Parameters
    ----------
    upstream
        The connections to providers.
    recorder
        What is kept and told of a reply.
    clock
        True time, for signatures; and the gateway's, for dates in what providers say.
    metrics
        What is counted of attempts.
    """

    def __init__(self, upstream: Upstream, recorder: Recorder, clock: Clock, metrics: Metrics) -> None:
        self._upstream, self._recorder, self._metrics = upstream, recorder, metrics
        self._wall, self._now = clock.wall, clock.now
        self.fetching = Fetching(Visits(upstream.trust))
        self._loop = asyncio.get_running_loop()
        self.rejected: set[str] = set()
        """Deployments whose provider did not accept our credential: it is renewed soon."""

    async def ask(self, job: Job, choice: RankedCandidate, caller: Exchange) -> Served | Failure | None:
        """Ask one deployment. What comes back is final, or a failure; None where the call cannot be said there.

        A failure came before any content, or another deployment may go on with what has come. Raises OSError where it
        cannot be recorded.
        """
        deployed, sent = choice.candidate.deployed, True
        span = job.span.asks(deployed, job.asked.call) if job.span is not None else None
        try:
            spoken = going_on(job, choice) if job.broken is not None else None
            if spoken is None and job.held.settings.fetches:
                spoken = await self.fetching.spoken(job, deployed.wire)
            if job.size <= LARGE:
                asked, sends = self._said(job, deployed, spoken, span)
            else:
                asked, sends = await aside(self._said, job, deployed, spoken, span)
        except Exception as why:
            return self._unsaid(job, choice.candidate, why, span)
        call = self._begun(job, choice, caller, asked, sends, span)
        found: Failure | Reply | StreamPart
        try:
            if len(sends) > 1:
                found = await self._in_parts(call)
            else:
                made = sends[0]
                incoming = call.incoming = await self._send(call, made)
                call.spilled = deployed.wire.spilled(incoming.headers)
                came = b"" if asked.call.stream else incoming.whole(LARGE)
                if came:  # all of it came with its head, as that of a whole reply mostly does
                    found = self._answer(call, made.call, incoming, came)
                else:
                    found = await self._read(call, made.call, incoming)
        except UpstreamError as error:
            found, sent = unanswered(error, deployed), error.sent
        except asyncio.CancelledError:
            self._abandon(call)
            raise
        except OSError:
            call.hold.settle(None)
            job.load.left(deployed, job.held.whose, call.held, self._loop.time(), kept=job.asked.prompt)
            raise
        except Exception as defect:
            tell(job.id, defect)
            sent = call.incoming is not None or not isinstance(defect, ValueError)  # so ``send`` refuses what it cannot
            failed = unread(defect, deployed) if sent else unasked(defect, deployed)
            found = StreamPart(failure=failed) if call.stream is not None and call.stream.begun else failed
        finally:
            if call.incoming is not None:
                call.incoming.close()
        job.waited += self._loop.time() - call.began
        if isinstance(found, Reply):
            body = self._whole(call, found) if len(found.body) <= LARGE else await aside(self._whole, call, found)
            if isinstance(body, Failure):
                return self._note(call, body)
            served = Served("complete", 200, call.choice, found.tokens, found.finish, call.spilled)
            cost = self._served(call, served)
            if (waits := self._recorder.waits(job, asked, body)) is not None:
                await waits
            self._answered(call, found, cost, body)
            return served
        if isinstance(found, Failure):
            return self._note(call, found, unmetered=sent)
        assert call.stream is not None
        return await self._finish(call, call.stream, found)

    def _said(
        self, job: Job, deployed: Deployed, spoken: Asked | None, span: AttemptSpan | None
    ) -> tuple[Asked, Sequence[Made]]:
        """A call in a shape that a deployment takes, and what is sent. Raises ``Refusal``, ``CredentialError``."""
        trace, wire = job.trace if span is None else span.trace, deployed.wire
        asked = job.surface.spoken(job.asked, wire) if spoken is None else spoken
        if job.held.settings.names_who_served:
            asked = msgspec.structs.replace(asked, served_by=deployed.model)
        try:
            parts = wire.parts(asked.call)
            if len(parts) == 1:
                return asked, (self._made(job, deployed, parts[0], trace),)
            return asked, [self._made(job, deployed, part, trace) for part in parts]
        except Refusal as refusal:
            raise job.surface.refused(refusal, job.asked, asked) from None

    def _unsaid(self, job: Job, candidate: Candidate, why: Exception, span: AttemptSpan | None) -> Failure | None:
        """Why a deployment cannot be asked now; None where the call cannot be said there."""
        deployed = candidate.deployed
        if isinstance(why, Refusal):
            job.cannot.append((candidate, why))
            return None
        if isinstance(why, CredentialError):
            missing = failure("credential", 502, f"the credential of {deployed.id} is not available")
            return self._unasked(job, deployed, replace(missing, detail=str(why)), span)
        tell(job.id, why)
        return self._unasked(job, deployed, unasked(why, deployed), span)

    def _begun(
        self,
        job: Job,
        choice: RankedCandidate,
        caller: Exchange,
        asked: Asked,
        sends: Sequence[Made],
        span: AttemptSpan | None,
    ) -> ProviderCall:
        """The call as one deployment is asked it, for which room is held there."""
        candidate, now = choice.candidate, self._loop.time()
        job.left_out = ()
        if asked.call.left_out or sends[0].outgoing.left_out:
            words = job.surface.words if asked.call.operation == "chat" else {}
            own = (words.get(name, name) for name in sends[0].outgoing.left_out)
            job.left_out = tuple(dict.fromkeys((*asked.call.left_out, *own)))
        held = job.load.asked(candidate.deployed, job.held.whose, job.asked.tokens, now)
        call = ProviderCall(job, choice, candidate.deployed, caller, asked, sends, now, held, span=span)
        if candidate.caps and (takes := job.asked.takes) is not None:
            call.hold = job.moment.standings.hold(candidate.caps, takes)
        return call

    def _made(self, job: Job, deployed: Deployed, call: Call, trace: HeaderPairs) -> Made:
        """The request of a call, and what authorizes it. Raises ``Refusal``, ``CredentialError``."""
        outgoing = deployed.wire.encode(call)
        authority = job.moment.policy.authorities[deployed.id]
        authorized = authority.headers(outgoing, deployed.host, self._wall())
        if job.held.settings.sends_along:
            trace += sent_along(job.held.key, deployed.deployment.kind)
        return Made(call, outgoing, authorized + trace)

    def _send(self, call: ProviderCall, made: Made) -> Coroutine[Any, Any, Incoming]:
        deployed, job = call.deployed, call.job
        return self._upstream.send(
            deployed.base, made.outgoing, made.authorized, job.until, job.patience, deployed.connection
        )

    async def _read(self, call: ProviderCall, said: Call, incoming: Incoming) -> Failure | Reply | StreamPart:
        """What comes back to what was said: of a stream that its caller has begun to hear, its last part."""
        if incoming.status != 200 or not call.asked.call.stream:
            most = MAX_REPLY if incoming.status == 200 else MAX_ERROR
            body = incoming.whole(most) or await incoming.read(most)
            if len(body) <= LARGE:
                return self._answer(call, said, incoming, body)
            return await aside(self._answer, call, said, incoming, body)
        stream = call.stream = self._stream(call)
        last = await Passage(call, stream, incoming, partial(self._speaks, call, stream)).all()
        if last.failure is None:
            incoming.leave(self._loop.time() + LAST_BYTES)
            call.incoming = None
            return last
        return last if stream.begun else last.failure

    def _answer(self, call: ProviderCall, said: Call, incoming: Incoming, body: bytes) -> Failure | Reply:
        """What came back in one piece."""
        wire = call.deployed.wire
        if incoming.status == 200:
            return wire.decode(said, incoming.headers, struck_bytes(body, sought(call.secrets())))
        found = wire.failed(incoming.status, dated(incoming.headers, self._now()), body, said)
        found = replace(found, passing=incoming.status >= 500 and found.kind == "unavailable")
        return struck_failure(call.job.surface.own_words(found, call.job.asked, call.asked), call.secrets())

    async def _in_parts(self, call: ProviderCall) -> Failure | Reply:
        """What comes back to a call that is made as several: all of it, or the first failure."""

        async def part(made: Made) -> Failure | Reply:
            incoming = await self._send(call, made)
            try:
                most = MAX_REPLY if incoming.status == 200 else MAX_ERROR
                return self._answer(call, made.call, incoming, await incoming.read(most))
            finally:
                incoming.close()

        found = await all_of([partial(part, made) for made in call.sends])
        return found if isinstance(found, Failure) else call.deployed.wire.together(found)

    # -- how it ended --------------------------------------------------------------------------------------------
    def _abandon(self, call: ProviderCall) -> None:
        """The caller left, and with it its provider's call: what that used is not known."""
        job, name = call.job, call.deployed.id
        now, seen = self._loop.time(), 200 if call.caller.begun else LEFT
        job.load.left(call.deployed, job.held.whose, call.held, now, kept=job.asked.prompt)
        call.hold.settle(None)
        call.attempted(Attempt(name, "abandoned", milliseconds(now - call.began), used="unknown"))
        ended = call.stream.ended("abandoned", seen) if call.stream else Served("abandoned", seen, call.choice)
        self._recorder.record(job, ended, now)

    def _unasked(self, job: Job, deployed: Deployed, failed: Failure, span: AttemptSpan | None) -> Failure:
        """Nothing was sent to a deployment, for its credential or a defect of ours."""
        attempt = Attempt(deployed.id, failed.kind, 0.0, failed.status, failed.detail)
        job.attempts.append(attempt)
        if span is not None:
            span.ended(attempt)
        self._weigh(job, deployed, failed, 0.0)
        return failed

    def _note(self, call: ProviderCall, failed: Failure, *, heard: bool = False, unmetered: bool = True) -> Failure:
        """A deployment failed, or refused the request.

        ``heard``: its content had come. ``unmetered``: what it used is not known, if it used anything. Where the call's
        own time was over, that tells nothing of one that was heard, or that was given what others had left of it.
        """
        job, name, now = call.job, call.deployed.id, self._loop.time()
        over = failed.kind == "timeout" and now >= job.until and (heard or bool(job.attempts))
        used = unknown_use(failed) if unmetered else None
        spent = milliseconds(now - call.began)
        tokens = call.stream.tokens if heard and call.stream is not None else None
        call.attempted(Attempt(name, failed.kind, spent, failed.status, failed.detail, used), tokens)
        if used is None and not (heard and call.stream is not None):
            call.hold.release()
        else:
            call.hold.settle(None if used is not None or call.stream is None else call.stream.tokens)
        self._weigh(job, call.deployed, failed, call.held, began=call.began, over=over)
        return failed

    def _weigh(
        self,
        job: Job,
        deployed: Deployed,
        failed: Failure,
        held: float,
        *,
        began: float | None = None,
        over: bool = False,
    ) -> None:
        """What a failure says of a deployment's health; ``over``: nothing."""
        now = self._loop.time()
        if over or failed.of_model or not failed.fails_over:
            job.load.left(deployed, job.held.whose, held, now)
        else:
            job.load.failed(deployed, job.held.whose, failed, held, now, began)
        if failed.fails_over:
            self._metrics.failed(deployed.id, failed.kind)
        if failed.kind == "credential":
            self.rejected.add(deployed.id)

    def _whole(self, call: ProviderCall, reply: Reply) -> bytes | Failure:
        """A whole reply in its caller's shape; a failure where it cannot be said in that."""
        try:
            return call.job.surface.whole(call.asked, reply, call.deployed.id)
        except UnsayableError as unsayable:
            return unsayable.failure
        except Exception as defect:
            tell(call.job.id, defect)
            return unread(defect, call.deployed)

    def _answered(self, call: ProviderCall, reply: Reply, cost: str | None, body: bytes) -> None:
        """A whole reply goes to its caller, now that it is on record."""
        job = call.job
        lines = JSON + self._recorder.disclosed(job, call.choice, cost)
        if reply.tokens is None and job.held.settings.discloses:
            lines += UNKNOWN_USE
        call.caller.reply(200, lines, body)
        self._metrics.added(self._loop.time() - job.began - job.waited)

    def _served(self, call: ProviderCall, served: Served) -> str | None:
        """It was served: noted and recorded. What it cost, where that is known."""
        job, deployed, now = call.job, call.deployed, self._loop.time()
        attempt = Attempt(deployed.id, "served", milliseconds(now - call.began), 200)
        call.attempted(attempt, served.tokens, served.finish)
        job.load.served(deployed, job.held.whose, served.tokens, call.held, now, call.began)
        if call.hold is not NOTHING_HELD:
            call.hold.settle(None if call.spilled else served.tokens)
        return self._recorder.record(job, served, now)

    # -- streams -----------------------------------------------------------------------------------------------
    def _stream(self, call: ProviderCall) -> Stream:
        """The stream to the caller: a new one, or one that broke off and goes on."""
        if isinstance(broken := call.job.broken, Stream):
            broken.go_on(call.choice, call.asked, call.spilled)
            return broken
        return Stream(call.job, call.asked, call.choice, call.caller, self._recorder.disclosed, call.spilled)

    def _speaks(self, call: ProviderCall, stream: Stream) -> None:
        """The first content has come."""
        if call.span is not None:
            call.span.speaks()
        if not stream.begun:
            self._recorder.begin(call.job, stream.choice, self._loop.time())
        call.job.load.answered(call.deployed, call.began)

    async def _finish(self, call: ProviderCall, stream: Stream, last: StreamPart) -> Served | Failure:
        """The end of a stream that its caller has begun to hear, or that is complete.

        A failure where another deployment may go on with it.
        """
        stream.note(last)
        if last.failure is not None:
            stream.spill(last.data)
            self._note(call, last.failure, heard=True, unmetered=stream.tokens is None)
            stream.why = stream.why or last.failure
            if stream.said is not None and stream.said.plain and last.failure.fails_over:
                if is_spent(stream.asked.call, stream.said.tokens_of(stream.pieces)):
                    return await self._at_its_limit(call, stream, stream.said)
                call.job.broken = stream
                return last.failure
            return await self.break_off(call.job, stream, stream.why)
        served = stream.ended("complete")
        self._served(call, served)
        return await self._closed(call, stream, served)

    async def _at_its_limit(self, call: ProviderCall, stream: Stream, said: Said) -> Served:
        """A stream that broke off with all the tokens that its caller allowed ends as one that reached its limit."""
        stream.limit(said)
        served = stream.ended("complete")
        self._recorder.record(call.job, served, self._loop.time())
        return await self._closed(call, stream, served)

    async def _closed(self, call: ProviderCall, stream: Stream, served: Served) -> Served:
        """The end of a stream that is complete, told once what is kept of it is."""
        if (waits := self._recorder.waits(call.job, stream.asked, stream.whole)) is not None:
            await waits
        stream.close()
        return served

    async def break_off(self, job: Job, stream: Stream, why: Failure) -> Served:
        """A stream that its caller has begun to hear ends here, with an error."""
        served = stream.ended("cut")
        self._recorder.record(job, served, self._loop.time())
        await self._recorder.durable(job)
        stream.fail({**why.error, "detente": detail(job)})
        return served
