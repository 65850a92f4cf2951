"""In which order permitted deployments are asked. Pure, and deterministic given its inputs.

Owns: the order (prepaid capacity with headroom, floors at risk, credits about to lapse, the plan's shares, what a
clause prefers, price), with the reason of each place; the affinity of like prompts to one prompt cache breaks ties. Not
here: permission (``admit``), what a floor or a credit saves (``steering``), what the state comes from (``load``), and
asking (``relay``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Literal
from zlib import crc32

import msgspec

from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.health import WELL, Health
from detente.gateway.deciding.steering import NO_SAVING, Saving

Why = Literal["prepaid", "floor", "credit", "share", "preferred", "price", "full"]
"""``prepaid`` with headroom; a ``floor`` that would fall short makes it the cheapest, or a ``credit`` that would lapse;
behind its ``share`` of the plan, which holds what clauses want of it over a window; ``preferred`` by a clause, where no
plan says how much; by ``price``; ``full``: no headroom is left, and it is asked last."""

BAND = 0.02
"""Deployments that lag behind the plan by amounts this close, as a part of all that was served, are level."""


class State(msgspec.Struct, frozen=True):
    """What is known of a deployment at the moment of choosing.

    ``used`` is the part of its limit that is taken (None where it has none), ``share`` the plan's, and ``served``
    what it was given of the workload in this period, in tokens, each of which counts once.
    """

    health: Health = WELL
    used: float | None = None
    share: float = 0.0
    served: float = 0.0
    price: int = 0
    saving: Saving = NO_SAVING


class RankedCandidate(msgspec.Struct, frozen=True):
    """A deployment, and why it stands where it stands; of a ``floor`` or ``credit``, whose that is."""

    candidate: Candidate
    why: Why
    clause: str = ""

    @property
    def told(self) -> str:
        """Why, in a word or two."""
        return f"{self.why} {self.clause}" if self.clause else self.why


class Order(msgspec.Struct, frozen=True):
    """Whom to ask, in turn; who rests; and when the first of those may be asked again, in seconds.

    ``limited``: all who rest are only at their limit.
    """

    choices: tuple[RankedCandidate, ...]
    resting: tuple[Candidate, ...] = ()
    retry_after: float | None = None
    limited: bool = False
    settled: bool = False
    """Whether it is that of any prompt, and stays so for as long as all may be asked and have headroom."""


def choose(permitted: Sequence[Candidate], states: Mapping[str, State], now: float, prefix: bytes = b"") -> Order:
    """Order the permitted candidates.

    Parameters
    ----------
    permitted
        In the order declared.
    states
        By deployment; one that is not in it is well, has no limit, and no share.
    now
        Of the same clock as ``Health``.
    prefix
        The beginning of the prompt.
    """
    ready: list[tuple[Candidate, State]] = []
    resting: list[tuple[Candidate, State]] = []
    for candidate in permitted:
        state = states.get(candidate.deployed.id, _UNKNOWN)
        (ready if state.health.may_ask(now) else resting).append((candidate, state))
    if len(ready) == 1:
        (candidate, state) = ready[0]
        choices: tuple[RankedCandidate, ...] = (_ranked(candidate, state, state.price),)
        settled = True
    else:
        choices, settled = _ordered(ready, prefix)
    if not resting:
        return Order(choices, settled=settled and all(choice.why != "full" for choice in choices))
    wait = min(max(s.health.until - now, 0.0) for _, s in resting)
    limited = all(s.health.well for _, s in resting)
    return Order(choices, tuple(c for c, _ in resting), wait if not choices else None, limited)


_UNKNOWN = State()
_ANY = 2**63
"""Dearer than anything."""
_RANK: dict[Why, int] = {"prepaid": 0, "floor": 1, "credit": 2, "share": 3, "preferred": 4, "price": 5, "full": 6}
_STEERED: tuple[Why, ...] = ("floor", "credit")


def _ranked(candidate: Candidate, state: State, least: int) -> RankedCandidate:
    why = _why(candidate, state, least)
    return RankedCandidate(candidate, why, state.saving.clause if why in _STEERED else "")


def _why(candidate: Candidate, state: State, least: int) -> Why:
    """``least``: the lowest price of those that save nothing; a floor that is dearer still is better missed."""
    if state.used is not None and state.used >= 1.0:
        return "full"
    if candidate.prepaid:
        return "prepaid"
    if state.saving.amount and state.price - state.saving.amount <= least:
        return "credit" if state.saving.credit else "floor"
    if state.share > 0:
        return "share"
    return "preferred" if candidate.verdict.permission == "prefer" else "price"


def _by_price(candidate: Candidate, state: State) -> bool:
    """Whether its price is what a floor is held against: it is paid by use, has headroom, and saves nothing."""
    return not (candidate.prepaid or state.saving.amount or (state.used is not None and state.used >= 1.0))


def _ordered(ready: Sequence[tuple[Candidate, State]], prefix: bytes) -> tuple[tuple[RankedCandidate, ...], bool]:
    """The order, and whether it turns on neither the prompt nor on what was served."""
    total = sum([state.served for _, state in ready])
    shares = sum([state.share for _, state in ready]) or 1.0
    # how much less each was given than its share of the plan, among those that may be asked
    lags = [state.share / shares * total - state.served for _, state in ready]
    most = max([lag for lag, (_, state) in zip(lags, ready, strict=True) if state.share > 0], default=0.0)
    least = min([state.price for candidate, state in ready if _by_price(candidate, state)], default=_ANY)
    keyed = []
    for place, (candidate, state) in enumerate(ready):
        ranked = _ranked(candidate, state, least)
        why = ranked.why
        behind = 0.0
        if why == "share" and (distance := most - lags[place]) > BAND * total:
            behind = distance
        price = 0 if why == "share" else state.price - (state.saving.amount if why in _STEERED else 0)
        affinity = crc32(prefix + candidate.deployed.id.encode()) if prefix else 0
        without = candidate.without  # who can do all that is wished for is asked first
        keyed.append(((without, _RANK[why], behind, price, affinity, -state.share, place), ranked))
    keyed.sort(key=itemgetter(0))
    by_prompt = len({key[:4] for key, _ in keyed}) < len(keyed)
    by_share = any(state.share > 0 for _, state in ready)
    return tuple([choice for _, choice in keyed]), not (by_prompt or by_share)
