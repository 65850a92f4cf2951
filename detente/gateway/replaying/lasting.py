"""How long an order lasts: how many tokens its first deployment may be given before another stands first.

Owns: that number, in closed form. Not here: the order itself (``choose``), and whether all still have headroom
(``load``). Between two calls of a workload an order turns on nothing but what was served of it: the rest holds until
the moment turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from operator import itemgetter

from detente.gateway.deciding.choose import BAND, Order, RankedCandidate, State

SURE = 1 - 1e-9
"""So much of it is used, since amounts served are floating point: at the very edge it is asked again."""


def lasts(order: Order, states: Mapping[str, State]) -> float:
    """How many tokens more may be given to the first of an order, and to nobody else, while it stays the first.

    Each share of the plan (s) is behind by a lag, s times all that was served less what it was served itself. While t
    tokens go to the first, f, its lag grows by (s_f - 1) t, another's by s t, and the band by ``BAND`` t: each edge
    that could be crossed is linear in t. None (0) where it is not a matter of shares alone, or where one is full.

    Parameters
    ----------
    order
        With nobody who rests.
    states
        By deployment, as it was made from them.
    """
    first = order.choices[0]
    if order.resting or any(choice.why == "full" for choice in order.choices):
        return 0.0
    if first.why != "share":
        return inf
    known = [(choice, states[choice.candidate.deployed.id]) for choice in order.choices]
    served = sum([state.served for _, state in known])
    planned = _lags(known, served)
    own, lag = next((share, lag) for choice, share, lag in planned if choice is first)
    leader, leads, most = max(planned, key=itemgetter(2))
    band = BAND * served
    if most - lag > band:
        return 0.0  # all that are level are less able
    leads -= leader is first
    found = inf
    for choice, share, behind in planned:
        if choice is first:
            continue
        if (pace := share + 1 - own - BAND) > 0:  # the first falls back behind it
            found = min(found, (band - (behind - lag)) / pace)
        if share >= own and _level(choice, first):
            ahead = most - behind - band
            if ahead <= 0:
                continue  # level already, and yet behind the first: it was declared after it, and stays there
            if (pace := share + BAND - leads) > 0:  # it catches up, and the larger share goes first
                found = min(found, ahead / pace)
    return max(0.0, found) * SURE


def _lags(known: Sequence[tuple[RankedCandidate, State]], served: float) -> list[tuple[RankedCandidate, float, float]]:
    """Each share of the plan, as a part of all of them, and by how many tokens it is behind."""
    whole = sum([state.share for _, state in known])
    shares = [(choice, state.share / whole, state.served) for choice, state in known if state.share > 0]
    return [(choice, share, share * served - own) for choice, share, own in shares]


def _level(one: RankedCandidate, other: RankedCandidate) -> bool:
    """Whether shares alone say which of two is asked first."""
    return one.why == other.why and one.candidate.without == other.candidate.without
