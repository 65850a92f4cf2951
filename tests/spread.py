"""Cases whose offers are deployed, some of them over several regions: made by hand and at random.

Owns: providers of several regions, and deployments for a world of ``tests.builders``. Not here: any case without live
traffic.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.builders import Data
from tests.gateway.stage import deployment

MANY: list[Data] = [
    {"id": name, "name": name, "regions": {region: {"country": country} for region, country in regions.items()}}
    for name, regions in {
        "north": {"dublin": "IE", "oslo": "NO", "boston": "US"},
        "south": {"texas": "US", "madrid": "ES"},
        "east": {"frankfurt": "DE", "tokyo": "JP"},
    }.items()
]
"""The providers of ``tests.builders``, with more regions."""


def spread(draw: Any, world: Data, *, least: int = 1, most: int = 1) -> Data:
    """A world with so many deployments of each offer, each in the offer's region or in several."""
    regions = {p["id"]: list(p["regions"]) for p in MANY}
    made = []
    for offer in world["offers"]:
        for n in range(draw(st.integers(least, most))):
            more: Data = {"model": "m"} if offer["kind"] == "gpu" else {}
            others = draw(st.sets(st.sampled_from(regions[offer["provider"]])))
            if others:
                more["regions"] = sorted({offer["region"], *others})
            made.append(deployment(f"d{n}-{offer['id']}", offer["id"], "http://a.example", **more))
    return world | {"providers": MANY, "deployments": made}
