"""Where offers run work: the offer's own place, or every place of each deployment that serves it.

Owns: which places there are for a workload. Not here: whether it may run there (``contract/reach/verdict``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from detente.demand.workload import AnyWorkload, Training
from detente.live.deployment import AnyDeployment
from detente.market.offer import AnyOffer
from detente.market.provider import Provider
from detente.values.facts import Facts

DeployedPlaces = tuple[str | None, tuple[Facts, ...]]
"""The model that a deployment serves, and its places."""


@dataclass(frozen=True)
class OfferPlaces:
    """The places of a case's offers: ``own`` by offer, and those of ``deployed`` by offer, deployment by deployment."""

    own: Mapping[str, Facts]
    deployed: Mapping[str, list[DeployedPlaces]]

    @classmethod
    def read(
        cls,
        own: Mapping[str, Facts],
        offers: Mapping[str, AnyOffer],
        deployments: Iterable[AnyDeployment],
        providers: Mapping[str, Provider],
    ) -> OfferPlaces:
        """Those of some offers, as they are deployed."""
        found: dict[str, list[DeployedPlaces]] = {name: [] for name in offers}
        for deployment in deployments:
            offer = offers[deployment.offer]
            places = deployment.places(offer, providers[offer.provider])
            found[offer.id].append((deployment.serves_model(offer), places))
        return cls(own, found)

    def of(self, workload: AnyWorkload, offer: AnyOffer) -> tuple[tuple[Facts, ...], ...]:
        """Where an offer may run a workload: of each deployment that can serve it, the facts of every place.

        Nobody keeps a call to one of a deployment's places, so a deployment is permitted where all of them are, and the
        work where any deployment is. Training runs on the offer itself, and so does what no deployment serves: one
        place, the offer's own.
        """
        of_models = [] if isinstance(workload, Training) else self.deployed[offer.id]
        served = tuple(places for model, places in of_models if model in workload.runs_on.models)
        return served or ((self.own[offer.id],),)

    @property
    def elsewhere(self) -> dict[str, list[DeployedPlaces]]:
        """The places of offers whose deployments run work elsewhere, or as more, than the offer itself would."""
        own = {name: (facts,) for name, facts in self.own.items()}
        return {name: of for name, of in self.deployed.items() if any(there != own[name] for _, there in of)}
