"""How much of a deployment there is: a bucket that calls fill and time empties.

Owns: admitting a call or saying when to ask again, in tokens of input (one of output weighs ``ratio``). Pure: the time
is an argument. Not here: how a provider words a refusal.

A **provisioned** deployment is what Azure describes: utilisation is what flowed in, less what a minute's capacity has
drained; a call is refused while that stands at 100% or more, and is counted on arrival by its prompt (less what is
cached) and the most it may generate, corrected when it is done. So a burst may run over 100%, and is paid for by
waiting. A **quota** refuses a call that would not fit into what is left of the minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detente.live.deployment import AnyDeployment
from detente.market.base_offer import per_hour
from detente.market.offer import AnyOffer, GpuOffer, ProvisionedOffer

ESTIMATE = 64
"""Tokens of output that a call is expected to take where it states no limit."""


@dataclass
class CapacityBucket:
    """The use of one deployment.

    Parameters
    ----------
    per_minute
        Tokens of input that a minute holds.
    ratio
        What a token of output weighs.
    provisioned
        Whether it is provisioned, or a quota.
    """

    per_minute: float
    ratio: int = 1
    provisioned: bool = False
    _level: float = field(default=0.0, init=False)
    _at: float = field(default=0.0, init=False)

    def utilisation(self, at: float) -> float:
        """How full it is, 1 being a minute's capacity."""
        self._drain(at)
        return self._level / self.per_minute

    def take(self, at: float, weight: float) -> float | None:
        """Take a call in; or the seconds after which it may be asked for again."""
        self._drain(at)
        over = self._level - self.per_minute + (0 if self.provisioned else min(weight, self.per_minute))
        if over > 0 or (self.provisioned and over == 0):
            return max(over / self.per_minute * 60, 0.001)
        self._level += weight
        return None

    def settle(self, at: float, estimated: float, actual: float) -> None:
        """Correct what a call was counted as."""
        self._drain(at)
        self._level = max(0.0, self._level + actual - estimated)

    def left(self, at: float) -> int:
        """Tokens that the minute still holds."""
        self._drain(at)
        return max(0, int(self.per_minute - self._level))

    def weight(self, input_: int, output: int, cached: int = 0) -> float:
        """What a call weighs: cached input does not, on provisioned capacity."""
        return input_ - (cached if self.provisioned else 0) + self.ratio * output

    def _drain(self, at: float) -> None:
        self._level = max(0.0, self._level - max(0.0, at - self._at) * self.per_minute / 60)
        self._at = max(at, self._at)


def bucket(deployment: AnyDeployment, offer: AnyOffer, units: int | None) -> CapacityBucket | None:
    """The capacity of a deployment; None where it has no limit.

    ``units`` is how many of a provisioned offer were bought (by a plan); None: all there are. Of a capacity that
    changes on dates the least counts.
    """
    if isinstance(offer, GpuOffer):
        return None
    if isinstance(offer, ProvisionedOffer):
        if units is None and offer.capacity is not None:
            units = min((int(amount.value) for amount in offer.capacity.values()), default=None)
        if units is None:
            return None
        sold = offer.of_model(deployment.serves_model(offer) or "")
        per_minute = float(sold.unit_flow * 1_000_000 / 60) * units
        return CapacityBucket(max(per_minute, 1e-9), sold.output_ratio, provisioned=True)
    if offer.capacity is None:
        return None
    per_minute = min(float(per_hour(rate) * 1_000_000 / 60) for rate in offer.capacity.values())
    return CapacityBucket(max(per_minute, 1e-9))
