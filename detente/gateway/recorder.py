"""What is kept and told of a reply: its record in the journal, its counts, and the headers that disclose it.

Owns: from a job and its end to a ``Record``. Not here: the journal's file (``ledger/journal``).
"""

from __future__ import annotations

from decimal import Decimal

from detente.gateway.choose import Choice
from detente.gateway.job import Job, Served
from detente.gateway.metrics import Metrics
from detente.gateway.policy import cost
from detente.gateway.protocol import Pairs
from detente.ledger.journal import Journal
from detente.ledger.record import Denial, Metered, Record, encoded
from detente.providers.wire import Tokens

_NONE = Metered(0, 0)
_USED_NOTHING = frozenset({"unreachable", "throttled", "credential", "refused"})
"""How attempts end that used nothing; after any other failure what was used is not known."""


class Recorder:
    """Writes records, counts, and discloses.

    Parameters
    ----------
    journal, metrics
        Where to.
    """

    def __init__(self, journal: Journal, metrics: Metrics) -> None:
        self._journal, self._metrics = journal, metrics

    def record(self, job: Job, served: Served, now: float) -> None:
        """Append the record of a reply. Raises OSError where it cannot be written: then nothing may be given out."""
        choice, asked = served.choice, job.asked
        deployed = choice.candidate.deployed if choice else None
        spent = _cost(job, choice, served.tokens)
        seconds = now - job.began
        self._journal.append(
            encoded(
                Record(
                    id=job.id,
                    at=job.at.isoformat(timespec="microseconds"),
                    path=job.surface.path,
                    key=job.key.id,
                    workload=job.workload.id,
                    labels=dict(job.labels),
                    model=asked.model,
                    outcome=served.outcome,
                    status=served.status,
                    case=job.moment.policy.case.hash,
                    plan=job.moment.policy.plan,
                    stream=asked.call.stream,
                    deployment=deployed.id if deployed else None,
                    offer=deployed.offer.id if deployed else None,
                    provider=deployed.offer.provider if deployed else None,
                    region=deployed.offer.region if deployed else None,
                    why=choice.why if choice else "",
                    usage=_usage(job, served.tokens),
                    cost=f"{spent:f}" if spent is not None else None,
                    finish=served.finish,
                    spilled=served.spilled,
                    pieces=served.pieces,
                    ms=round(seconds * 1000, 3),
                    attempts=tuple(job.attempts),
                    denied=tuple(Denial(c.deployed.id, c.clause) for c in job.admission.denied),
                )
            )
        )
        name = deployed.id if deployed else ""
        self._metrics.replied(job.workload.id, name, served.outcome, seconds)
        if deployed is not None:
            self._metrics.metered(job.workload.id, name, served.tokens, float(spent) if spent is not None else None)

    def disclosed(self, job: Job, choice: Choice | None, tokens: Tokens | None) -> Pairs:
        """The headers of a reply: which call, where it ran, which clauses kept it from elsewhere, at what cost."""
        if not job.moment.policy.serving.headers:
            return ()
        found: list[tuple[bytes, bytes]] = [(b"x-detente-request-id", job.id.encode())]
        if choice is not None:
            found.append((b"x-detente-deployment", choice.candidate.deployed.id.encode()))
        clauses = job.admission.clauses
        if clauses:
            found.append((b"x-detente-clause", clauses))
        spent = _cost(job, choice, tokens)
        if spent is not None:
            found.append((b"x-detente-cost", f"{spent:f} {job.moment.policy.case.currency}".encode()))
        return tuple(found)


def _usage(job: Job, tokens: Tokens | None) -> Metered | None:
    """What the call used; None where that is not known."""
    if tokens is not None:
        return Metered(*tokens)
    return _NONE if all(a.outcome in _USED_NOTHING for a in job.attempts) else None


def _cost(job: Job, choice: Choice | None, tokens: Tokens | None) -> Decimal | None:
    """At list price; None where usage or price is not known."""
    if choice is None or tokens is None:
        return None
    rates = job.moment.rates.get(choice.candidate.deployed.id)
    return cost(rates, tokens) if rates is not None else None
