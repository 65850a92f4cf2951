"""Which deployments may serve a request: each of the asked model, permitted or denied, with its reason. Pure.

Owns: asking for the verdict of the clauses on every place where a deployment may run a call, and what else keeps a call
from it. Not here: which clause wins (``contract/reach/verdict``), and which of the permitted ones serves it
(``choose``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from detente.contract.reach.verdict import Reason, Verdict, applicable, verdict, worst
from detente.contract.roles import CallLimit
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload, can_run
from detente.gateway.deciding.policy import Deployed, Policy
from detente.gateway.deciding.standings import Shortage, Standings
from detente.ledger.caps.cap import CapTaker
from detente.ledger.caps.clause_caps import covering
from detente.ledger.journals.record import DeniedDeployment, TokenCounts
from detente.live.request import Request


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment, and whether it may serve the request."""

    deployed: Deployed
    verdict: Verdict
    text: str = ""
    """The deciding clause in its own words, where it denies."""
    fact: bool = False
    """Whether a fact keeps it from the request, and no clause: what it serves, lacks or costs."""
    unable: tuple[str, ...] = ()
    """What the request asks for and it cannot do: features, or ``operation``, or ``state`` that lies elsewhere."""
    prepaid: bool = False
    """Whether its capacity is paid for now, used or not."""
    without: int = 0
    """How far it is from all that is wished for: 1 where it lacks what the request may do without, 2 where it is
    asked in another shape than the caller's."""
    live: tuple[CallLimit, ...] = ()
    """Clauses that cover the request there and ask at each call what remains."""
    caps: tuple[CapTaker, ...] = ()
    """Their caps and budgets, as such calls meet them there."""
    short: Shortage | None = None
    """The cap or budget that has no room for the call, where one decides."""

    @property
    def permitted(self) -> bool:
        """Undecided is not permitted."""
        return self.verdict.permitted

    @property
    def clause(self) -> str:
        """The id of what decided, where there was anything to decide."""
        return self.verdict.clause

    @property
    def amount(self) -> str:
        """Of a budget that has no room for it, which amount."""
        return self.short.cap.counts if self.short is not None else ""


class Admission:
    """All candidates for a request, in the order declared."""

    __slots__ = ("candidates", "clauses", "denials", "denied", "denied_by", "forbidding", "live", "permitted")

    def __init__(self, candidates: tuple[Candidate, ...]) -> None:
        self.candidates = candidates
        self.permitted = tuple(c for c in candidates if c.permitted)
        self.denied = tuple(c for c in candidates if not c.permitted)
        self.denied_by = tuple(dict.fromkeys(c.clause for c in self.denied))
        """What keeps the request from deployments, each once."""
        self.forbidding = tuple(dict.fromkeys(c.clause for c in self.denied if not c.fact))
        """The clauses among them."""
        self.denials = tuple(DeniedDeployment(c.deployed.id, c.clause, c.amount) for c in self.denied)
        """The same as records hold it."""
        self.clauses = ", ".join(self.denied_by)
        """The same as a header's value."""
        self.live = any(c.live or c.caps for c in self.permitted)
        """Whether anything in it turns on what remains of a clause."""

    def as_of(self, standings: Standings, need: TokenCounts) -> Admission:
        """The same with what clauses say of where they stand now: facts may be remembered, and this may not.

        ``need`` is what the call may take.
        """
        if not self.live:
            return self
        candidates = tuple([_as_of(c, standings, need) for c in self.candidates])
        return self if candidates == self.candidates else Admission(candidates)


def admit(policy: Policy, request: Request, at: datetime) -> Admission:
    """Judge every deployment of the asked model. A model that nobody serves has no candidates."""
    workload = policy.workloads[request.workload]
    terms = applicable(policy.terms, at)
    return Admission(
        tuple(_candidate(policy, d, request, workload, terms, at) for d in policy.asked(workload, request.model)),
    )


def _candidate(
    policy: Policy, deployed: Deployed, request: Request, workload: AnyWorkload, terms: Iterable[Term], at: datetime
) -> Candidate:
    if (unfit := _unfit(deployed, workload, at)) is not None:
        return Candidate(deployed, Verdict("deny", unfit), fact=True)
    if (kept := _kept_from(deployed, request)) is not None:
        return Candidate(deployed, Verdict("deny", kept), fact=True)
    if (beyond := _unable(deployed, request)) is not None:
        why, unable = beyond
        return Candidate(deployed, Verdict("deny", why), fact=True, unable=unable)
    found = verdict(terms, request.facts, deployed.places)
    text = next((term.text for term in terms if term.id == found.clause), "")
    counting = (_counting(term, policy, at) for term in terms) if found.permitted else ()
    live = tuple(term for term in counting if isinstance(term, CallLimit) and _limits(term, request, deployed))
    caps = _capped(policy, request, deployed, live, at) if found.permitted else ()
    own = deployed.deployment
    lacking = not request.wishes.isdisjoint(own.lacks)
    without = 2 if request.operation not in own.serves else int(lacking)
    return Candidate(deployed, found, text, prepaid=deployed.prepaid(at), live=live, caps=caps, without=without)


def _limits(term: CallLimit, request: Request, deployed: Deployed) -> bool:
    """Whether a clause may deny a request for what remains of it; what is not known to be outside it is inside (§2).

    Use counts where its offer stands, wherever a deployment runs it.
    """
    return term.covered.covers(request.facts, deployed.counted) is not False


def _capped(
    policy: Policy, request: Request, deployed: Deployed, live: Iterable[CallLimit], at: datetime
) -> tuple[CapTaker, ...]:
    """The caps of clauses and the budgets, as the calls of a request meet them at a deployment."""
    caps = [cap for term in live for cap in policy.caps.get((term.id, term.validity.start), ())]
    key, facts, places = request.presented, request.facts, deployed.places
    if not caps and not policy.budgets and (key is None or key.budget is None):
        return ()
    tariff = policy.tariff(request, deployed, at)
    budgets = policy.budgets.covering(facts, key, places, tariff, at)
    return (*covering(caps, facts, tariff, deployed.counted, at), *budgets)


def _counting(term: Term, policy: Policy, at: datetime) -> Term:
    """The version of a clause that counts the window that runs: a later one, where it takes that over whole."""
    ended = term.validity.ended
    if ended is None or ended.how != "whole-window" or ended.running is None or ended.running.start > at:
        return term
    later = (other for other in policy.terms if other.id == term.id and other.validity.start == term.validity.end)
    return next(later, term)


def _as_of(candidate: Candidate, standings: Standings, need: TokenCounts) -> Candidate:
    """A candidate, unless one of its clauses denies it as it stands."""
    if not candidate.live and not candidate.caps:
        return candidate
    if (short := standings.short(candidate.caps, need)) is not None:
        text = next((term.text for term in candidate.live if term.id == short.verdict.clause), "")
        return replace(candidate, verdict=short.verdict, text=text, short=short)
    kept = ((term, standings.of(term.id, term.validity.start)) for term in candidate.live)
    said = ((term, term.permits(standing)) for term, windows in kept for standing in windows)
    denied = [(term, found) for term, found in said if not found.permitted]
    if not denied:
        return candidate
    found = worst(found for _, found in denied)
    text = next(term.text for term, _ in denied if term.id == found.clause)
    return replace(candidate, verdict=found, text=text)


def _unable(deployed: Deployed, request: Request) -> tuple[Reason, tuple[str, ...]] | None:
    """Why a deployment cannot do what a request asks for, and what that is (``Candidate.unable``)."""
    own = deployed.deployment
    if request.pinned is not None and own.id != request.pinned:
        what = f"the call refers to what {request.pinned} made, and no other deployment can read it"
        remedy = "ask for the model that made it, or send the conversation without it"
        remedy += " (`lenient: [reasoning]` leaves reasoning out)"
        return Reason(own.id, f"{what}; {remedy}"), ("state",)
    if request.operation not in own.serves and not _said_as_chat(request, own.serves):
        return Reason(own.id, f"{own.id} serves {' and '.join(own.serves)}, not {request.operation}"), ("operation",)
    lacking = tuple(sorted(request.needs & set(own.lacks)))
    if lacking:
        return Reason(own.id, f"{own.id} cannot do {' or '.join(lacking)}"), lacking
    return None


def _kept_from(deployed: Deployed, request: Request) -> Reason | None:
    """Why a deployment is none of those that the presented key may ask; it cites the key."""
    key = request.presented
    if key is None or key.models is None or deployed.model in key.models:
        return None
    return Reason(key.id, f"the key `{key.id}` may ask for {' or '.join(sorted(key.models))}, not for {deployed.model}")


def _said_as_chat(request: Request, serves: Collection[str]) -> bool:
    """Whether a call for a response can be asked as a chat completion: a stored one lies where it was made."""
    return request.operation == "responses" and request.pinned is None and "chat" in serves


def _unfit(deployed: Deployed, workload: AnyWorkload, at: datetime) -> Reason | None:
    """Why a deployment does not serve a workload whatever was agreed; cites what states the fact."""
    if deployed.model not in workload.runs_on.models:
        models = " or ".join(workload.runs_on.models) or "no model"
        return Reason(workload.id, f"{workload.id} runs on {models}, not on {deployed.model}")
    if not can_run(workload, deployed.offer):
        return Reason(workload.id, f"{workload.id} cannot run on {deployed.offer.id} because of its `runs-on`")
    if workload.only_in_batches and deployed.offer.sells_batches(at):
        return Reason(workload.id, f"{workload.id} goes to {deployed.offer.id} by its batch API, and not in calls")
    if not deployed.priced(at):
        return Reason(deployed.offer.id, f"{deployed.offer.id} is not on offer with a price on {at:%Y-%m-%d} (§2)")
    if deployed.units(at) == 0:
        return Reason(deployed.offer.id, f"the plan has no units of {deployed.offer.id} on {at:%Y-%m-%d}")
    return None
