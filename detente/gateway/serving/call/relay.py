"""One call, from a decision to a recorded reply.

Owns: asking the chosen deployments in turn until one serves: who is asked next, when one is asked again, and when
nobody is. Not here: the asking of one (``provider_call``), who may be asked (``admit``), in which order (``choose``),
and what a caller is told where nobody serves (``refusal``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from math import ceil

from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.choose import Order, RankedCandidate, choose
from detente.gateway.deciding.moment import Moment
from detente.gateway.http.exchange import JSON, Exchange, HeaderLines
from detente.gateway.serving.call.going_on import going_on
from detente.gateway.serving.call.job import Job, Served
from detente.gateway.serving.call.mishap import LATE, tell
from detente.gateway.serving.call.provider_call import LEFT, ProviderCalls
from detente.gateway.serving.call.recorder import Recorder
from detente.gateway.serving.call.refusal import NEVER, explained
from detente.gateway.serving.call.stream import EVENTS, Stream
from detente.gateway.serving.call.unsayable import unsayable
from detente.gateway.upstream import Patience
from detente.ledger.journals.record import Outcome
from detente.providers.wire import Failure, Tokens, failure

SOON_ENOUGH = 60.0
"""Seconds for which a client may wait by itself before it asks again."""
GRAIN = 0.005
"""Seconds beyond a time that is waited for: a timer may be early by as much as its loop's clock is coarse."""


def _patience(job: Job) -> Patience:
    """How long a provider may keep a stream waiting."""
    reasons = "reasoning" in job.asked.needs or "reasoning" in job.asked.wishes
    deadlines = job.moment.policy.serving.deadlines
    return Patience(deadlines.first_content(reasons), deadlines.between(reasons))


def _again(wait: float | None) -> HeaderLines:
    """When to ask again. Clients that ask again by themselves are told not to where that is not soon, or never."""
    if wait is None:
        return b""
    when = b"retry-after: %d\r\n" % max(1, ceil(wait)) if wait < NEVER else b""
    return when if wait <= SOON_ENOUGH else when + b"x-should-retry: false\r\n"


def _is_foreign(found: Served | Failure | None) -> bool:
    """Whether who was asked cannot read the thoughts that a call sends back. What others say weighs more."""
    return isinstance(found, Failure) and found.kind == "foreign"


class Relay:
    """Serves calls.

    Parameters
    ----------
    calls
        Asks one deployment.
    recorder
        What is kept and told of a reply.
    turned
        What holds now by the policy of an earlier moment.
    """

    def __init__(self, calls: ProviderCalls, recorder: Recorder, turned: Callable[[Moment], Moment]) -> None:
        self._calls, self._recorder, self._turned = calls, recorder, turned
        self._loop = asyncio.get_running_loop()

    async def serve(self, job: Job, caller: Exchange) -> Served:
        """Answer a caller. However it ends it is recorded, also where the caller has left (the task is cancelled).

        Raises OSError where it cannot be recorded.
        """
        if job.asked.call.stream:
            job.patience = _patience(job)
            wires = (choice.candidate.deployed.wire for choice in job.order.choices)
            job.head = job.surface.head(job.asked, int(job.at.timestamp()), wires)
            caller.lives = partial(self._live, job, caller)
        try:
            found = await self._round(job, caller)
            if isinstance(found, Served):
                return found
            if _is_foreign(found) and (less := job.surface.forgetful(job.asked)) is not None:
                job.asked, job.foreign_to = less, set()
                found = await self._round(job, caller)
            if isinstance(broken := job.broken, Stream) and isinstance(found, Failure):
                return await self._calls.break_off(job, broken, broken.why or found)
            if isinstance(found, Failure) and (rest := self._short(job, found)) is not None:
                await asyncio.sleep(max(0.0, rest - self._loop.time()) + GRAIN)
                found = await self._round(job, caller, found)
            if found is None and job.order.resting:
                job.order = await self._able(job)
                found = await self._round(job, caller)
            return found if isinstance(found, Served) else self._refuse(job, caller, found)
        except asyncio.CancelledError:
            if not job.recorded:  # the caller left while nobody was asked
                self._recorder.record(job, Served("abandoned", 200 if caller.begun else LEFT), self._loop.time())
            raise
        except OSError:
            raise
        except Exception as defect:
            return self._give_up(job, caller, defect)
        finally:
            caller.lives = None

    # -- who is asked ------------------------------------------------------------------------------------------
    async def _round(self, job: Job, caller: Exchange, last: Failure | None = None) -> Served | Failure | None:
        """Ask the deployments in their order; what came of the last that was asked, None where none was."""
        for choice in job.order.choices:
            if self._loop.time() >= job.until:
                return last or LATE
            if last is not None and not self._may_still(job, choice, last):
                continue  # it has begun to rest, or a clause to forbid it, since the order was made
            found = await self._calls.ask(job, choice, caller)
            if isinstance(found, Served):
                return found
            if isinstance(found, Failure) and self._again(job, choice, found):
                found = await self._calls.ask(job, choice, caller) or found
            if isinstance(found, Served) or (found is not None and self._is_final(job, choice, found)):
                return found
            if _is_foreign(found):
                job.foreign_to.add(choice.candidate.deployed.id)
            last = last if last is not None and _is_foreign(found) else found or last
        return last

    def _again(self, job: Job, choice: RankedCandidate, found: Failure) -> bool:
        """Whether the same deployment is asked once more: what failed may pass at once."""
        if not self._may_pass(job, choice.candidate.deployed.id, found):
            return False
        if job.broken is not None or not found.fails_over or self._loop.time() >= job.until:
            return False  # whoever goes on with a stream that broke off is another
        return self._may_still(job, choice, found)

    @staticmethod
    def _may_pass(job: Job, name: str, found: Failure) -> bool:
        """Whether a failure is one after which its deployment is asked again, which is done once."""
        failed = [a for a in job.attempts if a.deployment == name and a.outcome != "throttled"]
        return found.passing and job.moment.policy.serving.retry and len(failed) == 1

    @staticmethod
    def _is_final(job: Job, choice: RankedCandidate, found: Failure) -> bool:
        """Whether nobody else is asked after a failure. A call that is too long is, by whose window is longer."""
        if job.broken is not None:
            return False
        if found.kind == "too-long":
            job.outgrown = max(job.outgrown or 0, choice.candidate.deployed.offer.context or 0)
            return False
        return not (found.fails_over or _is_foreign(found))

    def _may_still(self, job: Job, choice: RankedCandidate, last: Failure) -> bool:
        """Whether a deployment may be asked after others, or itself, have failed; in some, the call may not fit."""
        deployed = choice.candidate.deployed
        if job.broken is not None and going_on(job, choice) is None:
            return False
        if job.is_beyond(deployed):
            return False
        return job.load.health(deployed.id).may_ask(self._loop.time()) and self._permitted(job, choice)

    def _permitted(self, job: Job, choice: RankedCandidate) -> bool:
        """Whether a call may go there still: a clause may have begun, or be used up, while it was asked of others."""
        moment = self._turned(job.moment)
        if job.request is not None:
            job.moment, job.admission = moment, moment.admission(job.request, job.asked.takes)
        return any(c.deployed is choice.candidate.deployed for c in job.admission.permitted)

    # -- while nobody answers ----------------------------------------------------------------------------------
    def _short(self, job: Job, found: Failure) -> float | None:
        """Until when to wait where nobody else may serve the call, and its provider said so and not for long."""
        if found.status != 429 and not (found.passing and self._may_pass(job, job.attempts[-1].deployment, found)):
            return None
        if (found.passing or found.kind == "throttled") and found.retry_after is None:
            return None
        now = self._loop.time()
        rest = now + self._rest(job)
        return rest if rest - now <= job.moment.policy.serving.wait and rest < job.until else None

    def _rest(self, job: Job) -> float:
        """Seconds until the first of those that were asked may be asked again, as far as that was said."""
        now = self._loop.time()
        told = {attempt.deployment for attempt in job.attempts if attempt.outcome == "throttled"}  # also: at once
        ids = [choice.candidate.deployed.id for choice in job.order.choices]
        ends = [(name, job.load.health(name).until) for name in ids]
        return min((max(0.0, end - now) for name, end in ends if end > now or name in told), default=0.0)

    async def _able(self, job: Job) -> Order:
        """Of those that rest, who could do a call that others cannot: without any, it is not to be asked again."""
        able = []
        for candidate in job.order.resting:
            if (refusal := await unsayable(job, candidate, self._calls.fetching)) is None:
                able.append(candidate)
            else:
                job.cannot.append((candidate, refusal))
        return self._ordered(job, able)

    def _unasked(self, job: Job) -> Order:
        """Of those that may serve a call, who was asked nothing."""
        asked = {attempt.deployment for attempt in job.attempts}
        return self._ordered(job, [c for c in job.admission.permitted if c.deployed.id not in asked])

    def _ordered(self, job: Job, candidates: list[Candidate]) -> Order:
        """In which order these would be asked, and who of them rests."""
        now = self._loop.time()
        return choose(candidates, job.load.states(candidates, job.held.whose, {}, {}, now), now)

    def _live(self, job: Job, caller: Exchange) -> None:
        """A caller of a stream has heard nothing for a while: it sees that its call lives, whoever will serve it."""
        if caller.begun:
            caller.send(job.head.keep_alive())
        else:
            caller.begin(200, EVENTS + self._recorder.disclosed(job, None, None), job.head.keep_alive())

    # -- nobody ------------------------------------------------------------------------------------------------
    def _refuse(self, job: Job, caller: Exchange, last: Failure | None) -> Served:
        """Nobody served the call: say why, with what was forbidden; or what its surface says instead."""
        if (own := job.surface.otherwise(job.asked)) is not None:
            served = Served("complete", 200, tokens=Tokens(0, 0))
            self._recorder.record(job, served, self._loop.time())
            caller.reply(200, JSON + self._recorder.disclosed(job, None, None) + own[0], own[1])
            return served
        if _is_foreign(last) and (order := self._unasked(job)).resting:
            job.order, last = order, None  # one of those may have made the reasoning that the others cannot read
        status, error, wait = explained(job, last)
        outcome: Outcome = "failed" if last is not None and last.fails_over else "refused"
        if last is None and job.order.resting:
            outcome = "failed"
        served = Served(outcome, 200 if caller.begun else status)
        self._recorder.record(job, served, self._loop.time())
        if caller.begun:  # it was told that its call lives, and is told the rest in the same stream
            caller.finish(job.surface.streamed(job.asked, "", job.head).fail(error))
            return served
        headers = JSON + self._recorder.disclosed(job, None, None)
        if status == 429 and (wait is None or (last is not None and last.kind == "throttled")):
            wait = min(self._rest(job), NEVER if wait is None else wait)
        headers += _again(wait)
        caller.reply(status, headers, job.surface.error(status, error))
        return served

    def _give_up(self, job: Job, caller: Exchange, defect: Exception) -> Served:
        """What nothing foresaw: told, recorded where it is not yet, and no caller waits for ever."""
        tell(job.id, defect)
        failed = failure("gateway", 500, "internal error; the operator has been notified")
        served = Served("cut", 200) if caller.begun else Served("failed", failed.status)
        if not job.recorded:
            self._recorder.record(job, served, self._loop.time())
        if not caller.begun:
            headers = JSON + self._recorder.disclosed(job, None, None)
            caller.reply(failed.status, headers, job.surface.error(failed.status, failed.error))
        elif not caller.done:
            caller.cut()
        return served
