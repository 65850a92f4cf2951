"""What moving a workload's data to an offer costs, and who sells that.

Owns: its price per unit of work, and its facts. Not here: prices between places (``market/network``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from detente.demand.workload import AnyWorkload
from detente.errors import FlawError
from detente.market.network import Network, egress_price, parts_of
from detente.market.offer import AnyOffer
from detente.market.provider import Provider
from detente.values.dated import Dated
from detente.values.facts import Facts


def egress(networks: Sequence[Network], workload: AnyWorkload, offer: AnyOffer) -> tuple[Dated[Fraction] | None, str]:
    """Money per unit of work for moving its data to an offer, by the day, and the place that bills it.

    None where it costs nothing.

    Raises FlawError where no price is declared: a price that is missing is never zero (§2).
    """
    if workload.data is None:
        return None, ""
    source, to = workload.data.at, f"{offer.provider}/{offer.region}"
    if source == to or not workload.data.moves[0]:
        return None, source
    price = egress_price(networks, source, to)
    if price is None:
        raise FlawError(f"no network price from `{source}` to `{to}`", "add it under `networks:` (0 if it is free)")
    moves = Fraction(workload.data.moves[0])
    each = tuple((day, Fraction(found.amount) * moves) for day, found in price.steps)
    return Dated(each) if any(amount for _, amount in each) else None, source


def moved_facts(providers: Mapping[str, Provider], place: str) -> Facts:
    """What a scope may ask of data that moves: it is sold by the place that it leaves, which may not be declared."""
    provider, region = parts_of(place)
    facts = {"product": "egress", "provider": provider, "region": region, "offer": f"{place} egress"}
    known = providers[provider].regions.get(region) if provider in providers else None
    return {**facts, "country": known.country} if known else facts
