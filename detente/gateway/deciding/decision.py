"""A decision, whole: what was asked, who may serve it, and in which order they would be asked.

Owns: from a caller's body to an order, the same for a live call and for ``detente explain --request``. Not here: what
is permitted (``admit``) and the order itself (``choose``), and anything that is done about it (``relay``).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence

from detente.demand.workload import AnyWorkload
from detente.gateway.deciding.admit import Admission, Candidate
from detente.gateway.deciding.choose import choose
from detente.gateway.deciding.keyring import HeldKey
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Known, Moment
from detente.gateway.deciding.openai_error import error
from detente.gateway.deciding.routing_decision import RoutingDecision
from detente.gateway.surfaces.surface import NO_HEADERS, AbsentError, Asked, KeptTurn, Surface
from detente.live.presented import Presented
from detente.live.request import Request
from detente.providers.wire import Refusal
from detente.values.likeness import did_you_mean


class Rejection(Exception):  # noqa: N818 (it is an answer)
    """A call that is asked of nobody: the status and the error that its caller is told."""

    def __init__(self, status: int, told: dict[str, object]) -> None:
        super().__init__(told["message"])
        self.status, self.error = status, told


def read(
    surface: Surface,
    body: bytes,
    workload: str = "",
    lenient: frozenset[str] = frozenset(),
    headers: Mapping[bytes, bytes] = NO_HEADERS,
    serving: Callable[[str], Container[str]] | None = None,
) -> Asked:
    """What a workload's caller asks for. Raises Rejection where it cannot be read, or is not here.

    ``serving`` are the deployments of a model: thoughts of another are left out of a call that may do without them.
    """
    try:
        asked = surface.ask(body, workload, headers)
    except Refusal as refused:
        raise rejected(refused) from None
    if not lenient:
        return asked
    asked = asked.allowing(lenient)
    if asked.pinned is None or serving is None or asked.pinned in serving(asked.model):
        return asked
    return surface.forgetful(asked) or asked


def recalled(surface: Surface, asked: Asked, turns: Sequence[KeptTurn], lenient: frozenset[str] = frozenset()) -> Asked:
    """The same with the kept turns that it builds on. Raises Rejection where those are not kept any more."""
    try:
        return surface.recalled(asked, turns).allowing(lenient)
    except Refusal as refused:
        raise rejected(refused) from None


def rejected(refused: Refusal) -> Rejection:
    """What the caller of a call that cannot be read is told."""
    status, code = (404, "not_found") if isinstance(refused, AbsentError) else (400, "unreadable")
    return Rejection(status, error(status, refused.message, param=refused.param, code=code))


def decide(
    moment: Moment,
    load: Load,
    surface: Surface,
    asked: Asked,
    workload: AnyWorkload,
    labels: Mapping[str, str],
    now: float,
    presented: Presented | None = None,
) -> RoutingDecision:
    """Admit, then choose. Raises Rejection where nobody serves the model at all, or where the name is ambiguous.

    Parameters
    ----------
    load
        What is known of the deployments.
    labels
        The call's: its workload's, its key's and its own.
    now
        Of the clock that ``load`` goes by.
    presented
        What turns on the key of the call, where anything does.
    """
    request = Request(
        workload.id,
        workload.kind,
        tuple(labels.items()),
        moment.policy.named(workload, asked.model or workload.id),
        surface.operation,
        asked.needs,
        asked.pinned,
        asked.wishes,
        presented,
    )
    known = moment.known(request)
    admission = moment.admission(request, asked.takes) if known.admission.live else known.admission
    if not admission.candidates:
        message = f"no deployment serves `{asked.model}`; {did_you_mean(asked.model, moment.policy.models(workload))}"
        raise Rejection(404, error(404, message, param="model", code="model_not_found"))
    if asked.pinned is not None and all(c.deployed.id != asked.pinned for c in admission.candidates):
        held = next((deployed.model for deployed in moment.policy.deployed if deployed.id == asked.pinned), None)
        if (lost := surface.lost(asked, held)) is not None:
            raise rejected(lost)
    if surface.operation == "embeddings":
        _must_be_comparable(admission.candidates, asked.model)
    order, states = known.order, None
    if order is None or not _stands(known, admission, moment, load, now):
        permitted, savings = admission.permitted, moment.savings(request, workload)
        shares, prices = moment.shares(workload.id), moment.prices(workload)
        states = load.states(permitted, workload.id, shares, prices, now, savings)
        order = choose(permitted, states, now, asked.prefix)
        if order.settled and admission is known.admission:
            known.order, known.steered = order, moment.standings.at_risk
    return RoutingDecision(request, admission, order, surface, states)


def decided(
    moment: Moment,
    load: Load,
    surface: Surface,
    asked: Asked,
    held: HeldKey,
    labels: Mapping[str, str],
    now: float,
) -> RoutingDecision:
    """Decide for whoever holds a key. Raises Rejection, as ``decide``.

    What is decided of a call that asks for nothing but a model is that of the next one like it, while it stands; unless
    a clause asks at each call what remains of it.
    """
    plain = labels is held.labels and not (asked.needs or asked.wishes or asked.pinned)
    alike = held.id, surface.path, asked.model
    if plain and (found := moment.decided.get(alike)) is not None:
        known, before = found
        if known.order is before.order and _stands(known, before.admission, moment, load, now):
            return before
    decision = decide(moment, load, surface, asked, held.workload, labels, now, held.presented)
    if plain and decision.states is None and not decision.admission.live:
        moment.remember(alike, moment.known(decision.request), decision)
    return decision


def _stands(known: Known, admission: Admission, moment: Moment, load: Load, now: float) -> bool:
    """Whether nothing has happened that changes the settled order of a class of requests."""
    same = admission is known.admission and known.steered is moment.standings.at_risk
    return same and load.at_ease(admission.permitted, now)


def _must_be_comparable(candidates: Sequence[Candidate], asked: str) -> None:
    """Vectors of two models cannot be compared, so no name may stand for either. Raises Rejection."""
    models = {c.deployed.model: None for c in candidates if "embeddings" in c.deployed.deployment.serves}
    if len(models) > 1:
        names = " or ".join(f"`{model}`" for model in models)
        message = f"`{asked}` stands for several models, whose vectors cannot be compared; ask for {names}"
        raise Rejection(400, error(400, message, param="model", code="model_ambiguous"))


def cannot(surface: Surface, candidate: Candidate, asked: Asked) -> str | None:
    """What of a call cannot be said on a candidate's wire."""
    wire = candidate.deployed.wire
    try:
        spoken = surface.spoken(asked, wire)
    except Refusal as refusal:
        return refusal.message
    said = wire.cannot(spoken.call)
    return surface.refused(said, asked, spoken).message if said is not None else None
