"""Where a sandbox answers, and a case's deployments pointed at it.

Owns: the addresses, the credentials that the sandbox documents, and the redirection (pure). Not here: listening.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from detente.live.credential import Credential
from detente.live.deployment import AnyDeployment
from detente.sandbox.signature import ACCESS_KEY, SECRET

KEY_VARIABLE = "DETENTE_SANDBOX_KEY"
KEY = "sandbox"


@dataclass(frozen=True)
class Addresses:
    """Where a sandbox answers.

    Attributes
    ----------
    places
        The base address of each (provider, region): ``http://127.0.0.1:PORT``.
    deployments
        The address of each deployment as its kind writes one: of an OpenAI-compatible endpoint it ends in ``/v1``.
    control
        The control endpoint's.
    """

    places: Mapping[tuple[str, str], str]
    deployments: Mapping[str, str]
    control: str

    def to_json(self) -> dict[str, Any]:
        """As plain values, for another process."""
        places = [[provider, region, address] for (provider, region), address in self.places.items()]
        return {"places": places, "deployments": dict(self.deployments), "control": self.control}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Addresses:
        """From what ``to_json`` gave."""
        places = {(provider, region): address for provider, region, address in found["places"]}
        return cls(places, dict(found["deployments"]), found["control"])


def redirected(deployments: Iterable[AnyDeployment], addresses: Addresses) -> tuple[AnyDeployment, ...]:
    """Copies of deployments that are answered by the sandbox, with credentials that ``environment`` holds.

    A deployment that the sandbox does not play stays out: nothing of a sandboxed run may reach a real provider.
    """
    return tuple(_redirected(d, addresses.deployments[d.id]) for d in deployments if d.id in addresses.deployments)


def _redirected(deployment: AnyDeployment, address: str) -> AnyDeployment:
    credential = Credential(aws="default") if deployment.credential.aws else Credential(env=KEY_VARIABLE)
    return deployment.model_copy(update={"endpoint": address, "credential": credential, "connection": None})


def environment() -> dict[str, str]:
    """The variables that redirected deployments read their credentials from."""
    return {KEY_VARIABLE: KEY, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
