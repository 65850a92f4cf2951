"""Catalogs as a case writes them, and what an offer of theirs has to be."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from detente.market.offer import AnyOffer, Offer

OFFER: TypeAdapter[AnyOffer] = TypeAdapter(Offer)


def spelled(keys: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("_", "-"): value for key, value in keys.items()}
