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
from detente.ledger.record import Metered, Record, encoded
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

    def record(self, job: Job, served: Served, now: float) -> Decimal | None:
        """Append the record of a reply; what it cost at list price, where that is known.

        Raises OSError where it cannot be written: then nothing may be given out (§12).
        """
        choice, tokens, policy = served.choice, served.tokens, job.moment.policy
        workload, seconds = job.workload.id, now - job.began
        if choice is None:
            name, offer, why, spent = "", None, "", None
        else:
            deployed, why = choice.candidate.deployed, choice.why
            name, offer = deployed.id, deployed.offer
            rates = job.moment.rates[name]
            spent = cost(rates, tokens) if tokens is not None and rates is not None else None
        self._journal.append(
            encoded(
                Record(
                    id=job.id,
                    at=job.at.isoformat(timespec="microseconds"),
                    path=job.surface.path,
                    key=job.key.id,
                    workload=workload,
                    labels=job.labels,
                    model=job.asked.model,
                    outcome=served.outcome,
                    status=served.status,
                    case=policy.hash,
                    plan=policy.plan,
                    stream=job.asked.call.stream,
                    deployment=name or None,
                    offer=offer.id if offer else None,
                    provider=offer.provider if offer else None,
                    region=offer.region if offer else None,
                    why=why,
                    usage=_usage(job, tokens),
                    cost=None if spent is None else f"{spent:f}",
                    finish=served.finish,
                    spilled=served.spilled,
                    pieces=served.pieces,
                    ms=round(seconds * 1000, 3),
                    attempts=job.attempts,
                    denied=job.admission.denials,
                )
            )
        )
        if policy.serving.sync == "each":
            self._journal.sync()
        self._metrics.replied(workload, name, served.outcome, seconds, tokens, spent)
        return spent

    def disclosed(self, job: Job, choice: Choice | None, spent: Decimal | None) -> Pairs:
        """The headers of a reply: which call, where it ran, which clauses kept it from elsewhere, at what cost."""
        policy = job.moment.policy
        if not policy.serving.headers:
            return ()
        found: list[tuple[bytes, bytes]] = [(b"x-detente-request-id", job.id.encode())]
        if choice is not None:
            found.append((b"x-detente-deployment", choice.candidate.deployed.id.encode()))
        if clauses := job.admission.clauses:
            found.append((b"x-detente-clause", clauses))
        if spent is not None:
            found.append((b"x-detente-cost", f"{spent:f} {policy.currency}".encode()))
        return tuple(found)


def _usage(job: Job, tokens: Tokens | None) -> Metered | None:
    """What the call used; None where that is not known."""
    if tokens is not None:
        return Metered(*tokens)
    return _NONE if all(a.outcome in _USED_NOTHING for a in job.attempts) else None
