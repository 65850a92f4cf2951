"""A provider: who they are, where, under which law, and what they are after.

Owns: providers and their regions. Not here: what they sell (``offer``).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from detente.noun import Id, Label, MisplacedError, Noun

# Members of the European Union (27) and, with them, the European Economic Area (30), ISO 3166-1 alpha-2.
EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
AREAS = {"EU": EU, "EEA": EU | {"IS", "LI", "NO"}}

COUNTRY = r"^[A-Z]{2}$"
Country = Annotated[str, StringConstraints(pattern=COUNTRY), Field(description="ISO 3166-1 alpha-2")]


def in_area(country: str, area: str) -> bool:
    """Whether a country is in an area: a country's own code, ``EU`` or ``EEA``."""
    return country == area or country in AREAS.get(area, frozenset())


class Region(Noun):
    """Where hardware stands."""

    country: Country


class Provider(Noun):
    """One that sells compute."""

    id: Id
    name: Label
    law: Country | None = Field(default=None, description="the country whose law it is under")
    interest: str | None = Field(default=None, description="what it is after, in a sentence (for the report)")
    regions: dict[Id, Region] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_oneself(self) -> Provider:
        if self.id == "self":
            what = "a provider cannot be called `self`, which stands for oneself in agreements"
            raise MisplacedError(("id",), f"{what}; choose another id")
        return self
