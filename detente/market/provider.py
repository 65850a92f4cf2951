"""A provider: who they are, where, under which law, and what they are after.

Owns: providers and their regions. Not here: what they sell (``offer``).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from detente.errors import FlawError
from detente.values.country import Country
from detente.values.facts import Facts
from detente.values.noun import Id, Noun, Title
from detente.values.quantity_field import Portion

OFFERED = ("gpu", "provisioned", "tokens")
"""The products of offers."""


class Region(Noun):
    """Where hardware stands."""

    country: Country


class Provider(Noun):
    """One that sells compute."""

    id: Id
    name: Title
    law: Country | None = Field(default=None, description="the country whose law it is under")
    interest: str | None = Field(default=None, description="what it is after, in a sentence (for the report)")
    margin: Portion | None = Field(
        default=None, description="the part of its prices that it keeps as profit (for leverage)"
    )
    regions: dict[Id, Region] = Field(default_factory=dict)
    also_sells: tuple[Id, ...] = Field(
        default=(), description="products beside its offers, which bills bring and clauses may ask for (`product`)"
    )

    @model_validator(mode="after")
    def _sold_once(self) -> Provider:
        for at, product in enumerate(self.also_sells):
            if product in OFFERED:
                what = f"`{product}` is a product of offers, and not of bills alone"
                raise FlawError(what, "leave it out, or name what the bills bring", ("also-sells", at))
            if product in self.also_sells[:at]:
                raise FlawError(f"`{product}` stands here twice", "keep one", ("also-sells", at))
        return self

    @model_validator(mode="after")
    def _not_oneself(self) -> Provider:
        if self.id == "self":
            what = "a provider cannot be called `self`, which stands for oneself in agreements"
            raise FlawError(what, "choose another id", ("id",))
        return self

    @property
    def beside_offers(self) -> Mapping[str, tuple[Facts, ...]]:
        """The products that it sells beside its offers, each with its facts: in no region, and in each of its own."""
        sold = ((product, {"provider": self.id, "product": product}) for product in self.also_sells)
        return {product: (facts, *(self.placed(facts, region) for region in self.regions)) for product, facts in sold}

    def placed(self, facts: Mapping[str, str], region: str) -> Mapping[str, str]:
        """Facts of one of its offers, were it in another of its regions."""
        return {**facts, "region": region, "country": self.regions[region].country}
