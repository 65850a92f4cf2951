"""A seat: one deployment as the sandbox plays it, with what it remembers.

Owns: its capacity, its prompt cache, and the record of its calls. Not here: places and ports (``region_server``).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from detente.live.deployment import AnyDeployment, Play
from detente.market.base_offer import per_hour
from detente.market.offer import AnyOffer
from detente.sandbox.bucket import CapacityBucket, bucket
from detente.sandbox.cache import PrefixCache

RECENT = 20


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How fast a model is: seconds to its first token, and for each token after it."""

    first: float
    each: float

    @classmethod
    def of(cls, play: Play) -> Rhythm:
        """As declared."""
        if play.speed is None or play.speed.value <= 0:
            return cls(play.first_token, 0.0)
        return cls(play.first_token, 3600 / float(per_hour(play.speed) * 1_000_000))


@dataclass
class CallRecord:
    """One call, for people who look on: no word of what was asked or answered."""

    at: float
    operation: str
    stream: bool
    status: int | None = None
    fault: str | None = None
    input: int | None = None
    output: int | None = None
    cached: int | None = None
    spilled_from: str | None = None
    outcome: str = "under way"

    def shown(self) -> dict[str, Any]:
        """What is known of it."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in found.items() if value is not None} | {"at": round(self.at, 3)}


@dataclass
class Seat:
    """One deployment."""

    deployment: AnyDeployment
    offer: AnyOffer
    units: int | None = None
    name: str = field(init=False)
    model: str = field(init=False)
    rhythm: Rhythm = field(init=False)
    bucket: CapacityBucket | None = field(init=False)
    cache: PrefixCache = field(default_factory=PrefixCache, init=False)
    calls: int = field(default=0, init=False)
    outcomes: Counter[str] = field(default_factory=Counter, init=False)
    recent: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=RECENT), init=False)

    def __post_init__(self) -> None:
        self.name = self.deployment.name_there(self.offer)
        self.model = self.deployment.serves_model(self.offer) or self.name
        self.rhythm = Rhythm.of(self.deployment.play)
        self.bucket = bucket(self.deployment, self.offer, self.units)

    @property
    def provisioned(self) -> bool:
        """Whether its capacity is bought in units."""
        return self.offer.kind == "provisioned"

    def begin(self, record: CallRecord) -> CallRecord:
        """Note a call."""
        self.calls += 1
        self.recent.append(record)
        return record

    def end(self, record: CallRecord, outcome: str) -> None:
        """Note how a call ended: ``served``, ``refused``, ``failed``, ``abandoned``; one more is ``spilled``."""
        record.outcome = outcome
        self.outcomes[outcome] += 1

    def shown(self, at: float) -> dict[str, Any]:
        """Its state."""
        used = {} if self.bucket is None else {"utilisation": round(self.bucket.utilisation(at), 4)}
        return {
            "deployment": self.deployment.id,
            "provider": self.offer.provider,
            "region": self.offer.region,
            "name": self.name,
            "model": self.model,
            "calls": self.calls,
            "outcomes": dict(self.outcomes),
            **used,
        }
