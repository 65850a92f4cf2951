"""One call, from a decision to a recorded reply: the only I/O of the gateway's hot path.

Owns: asking the chosen deployments in turn until one serves, and recording every reply before its last byte (§12).
Before the first content any failure fails over; after it the caller sees an error event, never a false end. Not here:
who may be asked (``admit``), in which order (``choose``), and what a caller is told where nobody serves
(``refusal``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import msgspec

from detente.errors import CredentialError
from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Deployed
from detente.gateway.http.exchange import JSON, Exchange
from detente.gateway.serving.clock import Clock
from detente.gateway.serving.continuation import continued
from detente.gateway.serving.job import Job, Served
from detente.gateway.serving.metrics import Metrics
from detente.gateway.serving.mishap import LATE, unanswered, unasked, unknown_use, unread
from detente.gateway.serving.recorder import Recorder
from detente.gateway.serving.redaction import struck_bytes, struck_failure
from detente.gateway.serving.refusal import detail, explained
from detente.gateway.serving.stream import EVENTS, Stream
from detente.gateway.surfaces.surface import Asked, UnsayableError
from detente.gateway.upstream import Incoming, Patience, Upstream, UpstreamError
from detente.ledger.record import Attempt, Outcome, milliseconds
from detente.live.key import sent_along
from detente.providers.outgoing import HeaderPairs, Outgoing
from detente.providers.wire import Failure, Refusal, Reply, StreamPart, dated, failure

MAX_REPLY = 64 * 1024 * 1024
"""The largest whole reply that is held: a batch of embeddings takes some tens of megabytes."""
MAX_ERROR = 1024 * 1024
LAST_BYTES = 1.0
"""Seconds for the end of a body after the event that completes its stream: then the connection may serve again."""


GRAIN = 0.005
"""Seconds beyond a time that is waited for: a timer may be early by as much as its loop's clock is coarse."""
LEFT = 499
"""The status in the record of a call whose caller left before it saw any."""


class Prepared(NamedTuple):
    """A call as one deployment is asked: in a shape that it takes, and with what authorizes it."""

    asked: Asked
    outgoing: Outgoing
    authorized: HeaderPairs


def _patience(job: Job) -> Patience:
    """How long a provider may keep a stream waiting."""
    reasons = "reasoning" in job.asked.needs or "reasoning" in job.asked.wishes
    deadlines = job.moment.policy.serving.deadlines
    return Patience(deadlines.first_content(reasons), deadlines.between(reasons))


def _along(job: Job, deployed: Deployed) -> HeaderPairs:
    """What a provider is sent beside a request: the caller's trace, and its key's organisation."""
    if not job.key.headers:
        return job.trace
    return job.trace + sent_along(job.key, deployed.deployment.kind)


class Relay:
    """Serves calls.

    Parameters
    ----------
    upstream
        The connections to providers.
    load
        What is known of the deployments.
    recorder
        What is kept and told of a reply.
    turned
        What holds now by the policy of an earlier moment.
    clock
        True time, for signatures; and the gateway's, for dates in what providers say.
    metrics
        What is counted of attempts.
    """

    def __init__(
        self,
        upstream: Upstream,
        load: Load,
        recorder: Recorder,
        turned: Callable[[Moment], Moment],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._upstream, self._load = upstream, load
        self._recorder, self._turned, self._metrics = recorder, turned, metrics
        self._wall, self._now = clock.wall, clock.now
        self._loop = asyncio.get_running_loop()
        self.rejected: set[str] = set()
        """Deployments whose provider did not accept our credential: it is renewed soon."""

    def _record(self, job: Job, served: Served) -> str | None:
        cost = self._recorder.record(job, served, self._loop.time())
        job.recorded = True
        return cost

    async def serve(self, job: Job, caller: Exchange) -> Served:
        """Answer a caller. However it ends it is recorded, also where the caller has left (the task is cancelled).

        Raises OSError where it cannot be recorded.
        """
        if job.asked.call.stream:
            job.patience = _patience(job)
            caller.lives = partial(self._live, job, caller)
        try:
            found = await self._round(job, caller)
            if isinstance(broken := job.broken, Stream) and isinstance(found, Failure):
                return await self._break_off(job, broken, broken.why or found)
            if isinstance(found, Failure) and (rest := self._short(job, found)) is not None:
                await self._wait(job, caller, rest)
                found = await self._round(job, caller, found)
            return found if isinstance(found, Served) else self._refuse(job, caller, found)
        except OSError:
            raise
        except Exception as defect:
            return self._give_up(job, caller, defect)
        finally:
            caller.lives = None

    async def _round(self, job: Job, caller: Exchange, last: Failure | None = None) -> Served | Failure | None:
        """Ask the deployments in their order; what came of the last that was asked, None where none was."""
        for choice in job.order.choices:
            for again in (False, True):
                if self._loop.time() >= job.until:
                    return last or LATE
                if again and not (isinstance(last, Failure) and last.passing and job.moment.policy.serving.retry):
                    break
                if last is not None and not self._may_still(job, choice, last):
                    break  # it has begun to rest, or a clause to forbid it, since the order was made
                sent = self._prepare(job, choice)
                if sent is None:
                    break
                if isinstance(sent, Failure):
                    last = self._note(job, choice.candidate.deployed, sent, None)
                    break
                found = await self._ask(job, choice, sent, caller)
                if isinstance(found, Served):
                    return found
                last = found
                if job.broken is not None:
                    break  # whoever goes on with it is another
                if found.kind == "too-long":
                    job.outgrown = max(job.outgrown or 0, choice.candidate.deployed.offer.context or 0)
                elif not found.fails_over:
                    return found
        return last

    def _may_still(self, job: Job, choice: RankedCandidate, last: Failure) -> bool:
        """Whether a deployment may be asked after others, or itself, have failed; in some, the call may not fit."""
        deployed = choice.candidate.deployed
        if job.broken is not None and self._going_on(job, choice) is None:
            return False
        if job.outgrown is not None and (deployed.offer.context or 0) <= job.outgrown:
            return False
        return self._load.health(deployed.id).may_ask(self._loop.time()) and self._permitted(job, choice)

    def _short(self, job: Job, found: Failure) -> float | None:
        """Until when to wait where nobody else may serve the call, and its provider said so and not for long."""
        if found.kind != "throttled" or found.retry_after is None:
            return None
        now, ends = self._loop.time(), [self._load.health(c.candidate.deployed.id).until for c in job.order.choices]
        rest = min((end for end in ends if end > now), default=now)
        return rest if rest - now <= job.moment.policy.serving.wait and rest < job.until else None

    async def _wait(self, job: Job, caller: Exchange, until: float) -> None:
        """Wait, and let the call be recorded where its caller does not."""
        try:
            await asyncio.sleep(max(0.0, until - self._loop.time()) + GRAIN)
        except asyncio.CancelledError:
            self._record(job, Served("abandoned", 200 if caller.begun else LEFT))
            raise

    def _live(self, job: Job, caller: Exchange) -> None:
        """A caller of a stream has heard nothing for a while: it sees that its call lives, whoever will serve it."""
        if caller.begun:
            caller.send(job.surface.keep_alive)
        else:
            caller.begin(200, EVENTS + self._recorder.disclosed(job, None, None), job.surface.keep_alive)

    def _permitted(self, job: Job, choice: RankedCandidate) -> bool:
        """Whether a call may go there still: a clause may have begun, or be used up, while it was asked of others."""
        moment = self._turned(job.moment)
        if job.request is not None:
            job.moment, job.admission = moment, moment.admission(job.request)
        return any(c.deployed is choice.candidate.deployed for c in job.admission.permitted)

    # -- one deployment ----------------------------------------------------------------------------------------
    def _prepare(self, job: Job, choice: RankedCandidate) -> Prepared | Failure | None:
        """The request and what authorizes it, or the failure to; None where the call cannot be said there."""
        deployed = choice.candidate.deployed
        try:
            asked = self._going_on(job, choice) or job.surface.spoken(job.asked, deployed.wire)
            outgoing = deployed.wire.encode(asked.call)
            authority = job.moment.policy.authorities[deployed.id]
            authorized = authority.headers(outgoing, deployed.host, self._wall()) + _along(job, deployed)
            return Prepared(asked, outgoing, authorized)
        except Refusal as refusal:
            job.cannot.append((choice.candidate, refusal))
            return None
        except CredentialError as error:
            missing = failure("credential", 502, f"the credential of {deployed.id} is not available")
            return replace(missing, detail=str(error))
        except Exception as defect:
            self._tell(job, defect)
            return unasked(defect, deployed)

    async def _ask(
        self,
        job: Job,
        choice: RankedCandidate,
        prepared: Prepared,
        caller: Exchange,
    ) -> Served | Failure:
        """Ask one deployment. What comes back is final, or a failure: that of a provider, before any content."""
        deployed, call = choice.candidate.deployed, prepared.asked.call
        began = self._loop.time()
        job.left_out = (*call.left_out, *prepared.outgoing.left_out)
        held = self._load.asked(deployed, job.workload.id, job.asked.tokens, began)
        incoming: Incoming | None = None
        stream: Stream | None = None
        found: Failure | Reply | StreamPart
        spilled, sent = False, True
        try:
            incoming = await self._upstream.send(
                deployed.base, prepared.outgoing, prepared.authorized, until=job.until, patience=job.patience
            )
            spilled = deployed.wire.spilled(incoming.headers)
            if incoming.status != 200:
                body = await incoming.read(MAX_ERROR)
                found = deployed.wire.failed(incoming.status, dated(incoming.headers, self._now()), body, call)
                found = replace(found, passing=incoming.status >= 500 and found.kind == "unavailable")
                found = struck_failure(found, self._secrets(job, deployed))
            elif call.stream:
                if isinstance(job.broken, Stream):
                    stream = job.broken
                    stream.go_on(choice, spilled)
                else:
                    stream = Stream(job, prepared.asked, choice, caller, self._recorder.disclosed, spilled)

                last = await self._pass_on(stream, incoming, deployed)
                if last.failure is None:
                    incoming.leave(self._loop.time() + LAST_BYTES)
                    incoming = None
                found = last.failure if last.failure is not None and not stream.begun else last
            else:
                data = struck_bytes(await incoming.read(MAX_REPLY), self._secrets(job, deployed))
                found = deployed.wire.decode(call, incoming.headers, data)
        except UpstreamError as error:
            found, sent = unanswered(error, deployed), error.sent
        except asyncio.CancelledError:
            # The caller left, and with it its provider's call: what that used is not known.
            now, seen = self._loop.time(), 200 if caller.begun else LEFT
            self._load.left(deployed, job.workload.id, held, now, kept=job.asked.prompt)
            job.attempts.append(Attempt(deployed.id, "abandoned", milliseconds(now - began), used="unknown"))
            self._record(job, stream.ended("abandoned", seen) if stream else Served("abandoned", seen, choice))
            raise
        except OSError:
            self._load.left(deployed, job.workload.id, held, self._loop.time(), kept=job.asked.prompt)
            raise
        except Exception as defect:
            self._tell(job, defect)
            sent = incoming is not None or not isinstance(defect, ValueError)  # so ``send`` refuses what cannot be sent
            failed = unread(defect, deployed) if sent else unasked(defect, deployed)
            found = StreamPart(failure=failed) if stream is not None and stream.begun else failed
        finally:
            if incoming is not None:
                incoming.close()
        job.waited += self._loop.time() - began
        if isinstance(found, Failure):
            return self._note(job, deployed, found, began, held, unmetered=sent)
        if stream is not None and isinstance(found, StreamPart):
            return await self._finish(job, deployed, stream, found, began, held)
        assert isinstance(found, Reply)
        return await self._whole(job, prepared.asked, choice, found, caller, began, held, spilled)

    @staticmethod
    def _secrets(job: Job, deployed: Deployed) -> Sequence[str]:
        """What of ours a deployment was told, and nobody else may be."""
        return job.moment.policy.authorities[deployed.id].secrets

    def _note(
        self,
        job: Job,
        deployed: Deployed,
        failed: Failure,
        began: float | None,
        held: float = 0.0,
        heard: bool = False,
        unmetered: bool = True,
    ) -> Failure:
        """A deployment failed, or refused the request.

        ``began`` is None where it was not even asked; ``heard``: its content had come. Where the call's own time was
        over, that tells nothing of one that was heard, or that was given what others had left of it. ``unmetered``:
        what it used is not known, if it used anything.
        """
        now = self._loop.time()
        over = failed.kind == "timeout" and now >= job.until and (heard or bool(job.attempts))
        spent = milliseconds(now - began) if began is not None else 0.0
        used = unknown_use(failed) if began is not None and unmetered else None
        job.attempts.append(Attempt(deployed.id, failed.kind, spent, failed.status, failed.detail, used))
        if failed.fails_over:
            if over:
                self._load.left(deployed, job.workload.id, held, now)
            else:
                self._load.failed(deployed, job.workload.id, failed, held, now, began)
            self._metrics.failed(deployed.id, failed.kind)
            if failed.kind == "credential":
                self.rejected.add(deployed.id)
        else:
            self._load.left(deployed, job.workload.id, held, now)
        return failed

    async def _whole(
        self,
        job: Job,
        asked: Asked,
        choice: RankedCandidate,
        reply: Reply,
        caller: Exchange,
        began: float,
        held: float,
        spilled: bool,
    ) -> Served | Failure:
        """A whole reply; a failure where it cannot be said to this caller."""
        deployed, now = choice.candidate.deployed, self._loop.time()
        try:
            body = job.surface.whole(asked, reply, deployed.id)
        except UnsayableError as unsayable:
            return self._note(job, deployed, unsayable.failure, began, held)
        except Exception as defect:
            self._tell(job, defect)
            return self._note(job, deployed, unread(defect, deployed), began, held)
        job.attempts.append(Attempt(deployed.id, "served", milliseconds(now - began), 200))
        self._load.served(deployed, job.workload.id, reply.tokens, held, now)
        served = Served("complete", 200, choice, reply.tokens, reply.finish, spilled)
        cost = self._record(job, served)
        await self._recorder.durable(job)
        caller.reply(200, JSON + self._recorder.disclosed(job, choice, cost), body)
        self._metrics.added(self._loop.time() - job.began - job.waited)
        return served

    # -- streams -----------------------------------------------------------------------------------------------
    async def _pass_on(self, stream: Stream, incoming: Incoming, deployed: Deployed) -> StreamPart:
        """Pass a stream on until its last part: one that is done, or failed."""
        job, caller = stream.job, stream.caller
        decoder = deployed.wire.decoder(stream.asked.call, incoming.headers)
        secrets = self._secrets(job, deployed)
        while True:
            try:
                data = await incoming.piece()
                part = decoder.feed(data) if data else decoder.end()
            except UpstreamError as error:
                part = decoder.end()
                if not part.done:  # all of it had come, but for the end of its body
                    part = StreamPart(failure=unanswered(error, deployed))
            part.data = struck_bytes(part.data, secrets)
            if part.failure is not None:
                part.failure = struck_failure(part.failure, secrets)
                return part
            try:
                if part.done:
                    stream.complete(part.data)
                    return part
                if part.content and not incoming.spoken:
                    incoming.speaks()
                    if not stream.begun:
                        self._recorder.begin(job, stream.choice, self._loop.time())
                    self._load.answered(deployed)
                stream.take(part)
            except UnsayableError as unsayable:
                return StreamPart(tokens=part.tokens, failure=unsayable.failure)
            if (waits := caller.waits) is not None:
                await waits

    async def _finish(
        self, job: Job, deployed: Deployed, stream: Stream, last: StreamPart, began: float, held: float
    ) -> Served | Failure:
        """The end of a stream that its caller has begun to hear, or that is complete.

        A failure where another deployment may go on with it.
        """
        now = self._loop.time()
        stream.note(last)
        if last.failure is not None:
            stream.spill(last.data)
            self._note(job, deployed, last.failure, began, held, heard=True, unmetered=stream.tokens is None)
            stream.why = stream.why or last.failure
            if stream.said is not None and stream.said.plain and last.failure.fails_over:
                job.broken = stream
                return last.failure
            return await self._break_off(job, stream, stream.why)
        job.attempts.append(Attempt(deployed.id, "served", milliseconds(now - began), 200))
        self._load.served(deployed, job.workload.id, stream.tokens, held, now)
        served = stream.ended("complete")
        self._record(job, served)
        await self._recorder.durable(job)
        stream.close()
        return served

    async def _break_off(self, job: Job, stream: Stream, why: Failure) -> Served:
        """A stream that its caller has begun to hear ends here, with an error."""
        served = stream.ended("cut")
        self._record(job, served)
        await self._recorder.durable(job)
        stream.fail({**why.error, "detente": detail(job)})
        return served

    @staticmethod
    def _going_on(job: Job, choice: RankedCandidate) -> Asked | None:
        """What a deployment is asked that goes on with a stream that broke off; None where it cannot, or none did."""
        stream, deployed = job.broken, choice.candidate.deployed
        if stream is None or stream.said is None:
            return None
        if job.asked.call.operation != stream.asked.call.operation and deployed.wire.speaks(job.asked.call.operation):
            return None  # it would go on in another shape than the one that was begun
        call = continued(stream.asked.call, stream.said.text, stream.pieces, deployed.deployment.continues)
        return None if call is None else msgspec.structs.replace(stream.asked, call=call)

    # -- nobody ------------------------------------------------------------------------------------------------
    def _refuse(self, job: Job, caller: Exchange, last: Failure | None) -> Served:
        """Nobody served the call: say why, with what was forbidden."""
        status, error, wait = explained(job, last)
        outcome: Outcome = "failed" if last is not None and last.fails_over else "refused"
        if last is None and job.order.resting:
            outcome = "failed"
        served = Served(outcome, 200 if caller.begun else status)
        self._record(job, served)
        if caller.begun:  # it was told that its call lives, and is told the rest in the same stream
            caller.finish(job.surface.streamed(job.asked, "").fail(error))
            return served
        headers = JSON + self._recorder.disclosed(job, None, None)
        if wait is not None:
            headers += b"retry-after: %d\r\n" % max(1, round(wait))
        caller.reply(status, headers, job.surface.error(status, error))
        return served

    # -- defects -----------------------------------------------------------------------------------------------
    def _give_up(self, job: Job, caller: Exchange, defect: Exception) -> Served:
        """What nothing foresaw: told, recorded where it is not yet, and no caller waits for ever."""
        self._tell(job, defect)
        failed = failure("gateway", 500, "internal error; the operator has been notified")
        served = Served("cut", 200) if caller.begun else Served("failed", failed.status)
        if not job.recorded:
            self._record(job, served)
        if not caller.begun:
            headers = JSON + self._recorder.disclosed(job, None, None)
            caller.reply(failed.status, headers, job.surface.error(failed.status, failed.error))
        elif not caller.done:
            caller.cut()
        return served

    def _tell(self, job: Job, defect: Exception) -> None:
        """A defect is the operator's to know of."""
        self._loop.call_exception_handler({"message": f"internal error in the call {job.id}", "exception": defect})
