"""Networks: what moving a gigabyte between two places costs.

Owns: places (``provider/region``, ``provider`` or ``*``) and the most specific price between two of them.
Not here: how much a workload moves (``workload``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, StringConstraints, field_validator

from detente.errors import FlawError
from detente.values.dated import Dated
from detente.values.money import DataPrice, Price
from detente.values.noun import Noun

PLACE = r"^(\*|[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?)$"
Place = Annotated[
    str,
    StringConstraints(pattern=PLACE),
    Field(description="`provider/region`, `provider` or `*`"),
]


def parts_of(place: str) -> tuple[str, str]:
    """The provider and the region that a place names: no region (empty) where it is all of the provider's."""
    provider, _, region = place.partition("/")
    return provider, region


class Network(Noun):
    """A price per gigabyte from one place to another; the owner of the first place bills it."""

    from_: Place
    to: Place
    price: DataPrice

    @field_validator("price", mode="before")
    @classmethod
    def _of_no_day(cls, given: Any) -> Any:
        if isinstance(given, dict) and any(str(key)[:1].isdigit() for key in given):
            way = "write the list's, and of what falls from a day on a `kind: discount` with `of: { product: egress }`"
            raise FlawError("the price of a network has no dates", f"{way}, `off` and `from`")
        return given

    _of_each_day: Dated[Price] | None = PrivateAttr(default=None)

    def at_rates(self, key: str, each: Dated[Price]) -> Self:
        """The same, whose price is another from each day on, by the rate of exchange."""
        found = self.model_copy(update={key: next(each.values())})
        found._of_each_day = each
        return found

    @property
    def prices(self) -> Dated[Price]:
        """Its price, by the day; of most, one always."""
        return Dated(((None, self.price),)) if self._of_each_day is None else self._of_each_day


def _fits(pattern: str, place: str) -> int:
    """How closely a pattern names a place: 0 not at all, then ``*``, provider, provider/region."""
    if pattern == place:
        return 3
    if pattern == parts_of(place)[0]:
        return 2
    return 1 if pattern == "*" else 0


def egress_price(networks: Sequence[Network], source: str, to: str) -> Dated[Price] | None:
    """The most specific price between two places, by the day; None where none is declared.

    Of two that are as specific in all, the one that names the source more closely holds: its owner bills.

    Raises FlawError where two fit equally well and differ: ambiguity is not decided here (§15).
    """
    best: list[Network] = []
    score = (0, 0)
    for network in networks:
        a, b = _fits(network.from_, source), _fits(network.to, to)
        fit = (a + b, a)
        if a and b and fit >= score:
            best = [network] if fit > score else [*best, network]
            score = fit
    prices = {network.prices for network in best}
    if len(prices) > 1:
        differ = " and ".join(sorted(map(str, prices)))
        raise FlawError(f"two networks from `{source}` to `{to}` differ: {differ}", "keep one of them")
    return best[0].prices if best else None
