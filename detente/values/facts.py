"""What may be asked of a demand and of an offer: facts by key, and the keys that speak of each.

Not here: matching them (``contract.reach.scope``).
"""

from __future__ import annotations

from collections.abc import Mapping

Facts = Mapping[str, str]

OFFER_KEYS = ("provider", "region", "country", "offer", "product", "model", "accelerator", "buy")
DEMAND_KEYS = ("workload", "kind")
RESERVED = frozenset((*OFFER_KEYS, *DEMAND_KEYS))
"""What no label may be called: it would speak for a fact that is not the caller's to state."""
