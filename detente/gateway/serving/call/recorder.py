"""What is kept and told of a reply: its record in the journal, its counts, and the headers that disclose it.

Owns: from a job and its end to a ``Record``. Not here: the journal's file (``ledger/journals/journal``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from detente.gateway.deciding.admit import Admission
from detente.gateway.deciding.choose import RankedCandidate, Why
from detente.gateway.deciding.policy import cost
from detente.gateway.http.exchange import HeaderLines
from detente.gateway.serving.call.job import Job, Served
from detente.gateway.serving.call.kept_turns import FAILURES, NOTHING_KEPT, KeptTurns
from detente.gateway.serving.call.mishap import tell
from detente.gateway.serving.caps.left_of_budgets import budgets_of, left_of
from detente.gateway.serving.observing.metrics import Metrics
from detente.gateway.surfaces.surface import Asked
from detente.ledger.journals.journal import Journal
from detente.ledger.journals.record import CallEnd, CallRoute, TokenCounts, joined, milliseconds, route
from detente.values.money import written

_NONE = TokenCounts(0, 0)
MAX_ROUTES = 10_000


class Recorder:
    """Writes records, counts, and discloses.

    Parameters
    ----------
    journal, metrics
        Where to.
    kept
        Where turns of conversations are kept.
    """

    def __init__(self, journal: Journal, metrics: Metrics, kept: KeptTurns = NOTHING_KEPT) -> None:
        self._journal, self._metrics, self._kept = journal, metrics, kept
        self._disk = ThreadPoolExecutor(1, "detente-disk")
        self._routes: dict[tuple[Admission, str, str, bool, str, tuple[Why, str] | None], bytes] = {}

    def record(self, job: Job, served: Served, now: float) -> str | None:
        """Append the record of a reply. What it cost at list price, as text, where known: not where a call was spilled.

        Raises OSError where it cannot be written: then nothing may be given out (§12).
        """
        choice, tokens = served.choice, served.tokens
        seconds, name, spent, text = now - job.began, "", None, None
        if choice is not None:
            name = choice.candidate.deployed.id
            rates = job.moment.rates[name]
            if tokens is not None and rates is not None and not served.spilled:
                spent = cost(rates, tokens)
                text = written(spent)
        end = CallEnd(
            id=job.id,
            at=job.at,
            outcome=served.outcome,
            status=served.status,
            usage=TokenCounts(*msgspec.structs.astuple(tokens)) if tokens is not None else _unused(job),
            cost=text,
            finish=served.finish,
            spilled=served.spilled,
            continued=served.continued,
            pieces=served.pieces,
            ms=milliseconds(seconds),
            attempts=job.attempts,
            left_out=job.left_out,
        )
        self._journal.append(joined(self._route(job, choice, name), end))
        job.recorded = True
        if job.span is not None:
            job.span.ended(end, job.asked.model, name, job.admission.clauses)
        self._metrics.replied(job.held.whose, name, served.outcome, seconds, tokens, spent)
        if len(job.attempts) > 1:
            for attempt in job.attempts[:-1]:
                if attempt.used == "unknown":
                    self._metrics.unmetered(job.held.whose, attempt.deployment)
        return text

    def begin(self, job: Job, choice: RankedCandidate, now: float) -> None:
        """Append that the first content of a stream has come, so that it is on record also where its end never is.

        Raises OSError, as ``record``.
        """
        name = choice.candidate.deployed.id
        start = CallEnd(id=job.id, at=job.at, outcome="begun", status=200, ms=milliseconds(now - job.began))
        self._journal.append(joined(self._route(job, choice, name), start))

    def waits(self, job: Job, asked: Asked, body: bytes) -> Coroutine[Any, Any, None] | None:
        """What a reply waits for that is on record, before it goes out; None where that is nothing, as for most."""
        if asked.kept_as or job.held.settings.on_disk:
            return self._kept_and_durable(job, asked, body)
        return None

    async def _kept_and_durable(self, job: Job, asked: Asked, body: bytes) -> None:
        await self.keep(job, asked, body)
        await self.durable(job)

    async def keep(self, job: Job, asked: Asked, body: bytes) -> None:
        """Keep a reply on which later calls may build; where it cannot be, those are told to send everything."""
        turn = job.surface.turn(asked, body) if asked.kept_as else None
        if turn is None:
            return
        try:
            await self._kept.keep(job.held.id, turn, job.moment.policy.serving.kept_responses, job.began)
        except FAILURES as error:
            tell(job.id, error)

    async def durable(self, job: Job) -> None:
        """Wait until the records so far survive the machine, where the case asks for that before each reply.

        Calls that wait at the same time wait for one and the same write to the disk. Raises OSError.
        """
        if job.held.settings.on_disk:
            mark = self._journal.appended
            await asyncio.get_running_loop().run_in_executor(self._disk, self._journal.sync, mark)

    def _route(self, job: Job, choice: RankedCandidate | None, name: str) -> bytes:
        """The part of a record that is the same for all calls of a kind: made once, and remembered."""
        stream, why = job.asked.call.stream, (choice.why, choice.clause) if choice is not None else None
        kind = (job.admission, job.held.id, job.surface.path, stream, name, why)
        found = self._routes.get(kind)
        if found is not None:
            return found
        deployed = choice.candidate.deployed if choice is not None else None
        places = tuple(dict.fromkeys(str(place["region"]) for place in deployed.places)) if deployed else ()
        found = route(
            CallRoute(
                path=job.surface.path,
                key=job.held.id,
                workload=job.held.whose,
                labels=job.labels,
                model=job.asked.model,
                case=job.moment.policy.hash,
                plan=job.moment.policy.plan,
                stream=stream,
                deployment=deployed.id if deployed else None,
                offer=deployed.offer.id if deployed else None,
                provider=deployed.offer.provider if deployed else None,
                region=places[0] if len(places) == 1 else None,
                regions=places if len(places) > 1 else (),
                why=choice.told if choice is not None else "",
                denied=job.admission.denials,
                budgets=budgets_of(choice),
            )
        )
        if job.admission.candidates:  # else it stands for calls of all kinds that were asked of nobody
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            self._routes[kind] = found
        return found

    def disclosed(self, job: Job, choice: RankedCandidate | None, cost: str | None) -> HeaderLines:
        """The headers of a reply: which call, where it ran, which clauses kept it from elsewhere, at what cost."""
        if not job.held.settings.discloses:
            return b""
        lines = f"x-detente-request-id: {job.id}\r\n{job.surface.id_header}: {job.id}\r\n"
        if choice is not None:
            lines += f"x-detente-deployment: {choice.candidate.deployed.id}\r\n"
        if clauses := job.admission.clauses:
            lines += f"x-detente-clause: {clauses}\r\n"
        if choice is None:
            return lines.encode()
        if job.left_out:
            lines += f"x-detente-left-out: {', '.join(job.left_out)}\r\n"
        if cost is not None:
            lines += f"x-detente-cost: {cost} {job.moment.currency}\r\n"
        if choice.candidate.caps:
            lines += left_of(job.moment.standings.left(choice.candidate.caps), job.at)
        return lines.encode()


def _unused(job: Job) -> TokenCounts | None:
    """What a call used of which nobody metered anything; None where that is not known."""
    return None if any(a.used or a.outcome == "served" for a in job.attempts) else _NONE
