"""What people call the keys of a case elsewhere: a contract's own words, and those of clouds and of other tools.

Owns: which key of a place a word stands for. Not here: the sentences about keys (``wording``), and the words of clauses
for whole kinds of them (``terms.finding``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from detente.errors import nearest

_NAMES: dict[str, str] = {
    # sections
    "agreements": "contracts contract deals policies rules constraints",
    "networks": "egress transfers transfer network bandwidth",
    "offers": "products skus services resources instances pricing catalogue",
    "providers": "vendors vendor suppliers clouds cloud",
    "workloads": "jobs tasks apps applications demands models",
    # times
    "effective": "start starts start-date begins begin from effective-date signed date",
    "ends": "end end-date expires expiry expiration until to termination",
    "end": "ends to until finish stop",
    "start": "starts begin begins from since",
    "every": "step period interval granularity frequency grid resolution",
    "deadline": "due due-date due-by finish-by by",
    # who and where
    "with": "party parties counterparty vendor supplier provider",
    "provider": "vendor supplier cloud party seller",
    "region": "location zone datacenter site",
    "country": "location jurisdiction",
    # offers and workloads
    "accelerator": "gpu gpus gpu-type instance instance-type chip card hardware machine",
    "price": "cost rate tariff unit-price pricing prices",
    "capacity": "limit quota available max maximum quantity supply",
    "demand": "load traffic usage rate volume needs need amount",
    "runs-on": "runs-at needs requires hardware models accelerators",
    "labels": "tags tag metadata attributes",
    "kind": "type",
    # clauses
    "terms": "clauses clause obligations rules conditions",
    "of": "scope applies-to covers covered for",
    "except": "excluding exclude excludes exclusions unless not",
    "at-least": "min minimum floor",
    "at-most": "max maximum ceiling limit cap",
    "amount": "value total commitment commit minimum maximum limit cap at-most at-least spend sum",
    "shortfall": "penalty fee true-up deficit",
    "carry-over": "rollover roll-over carryover carry-forward",
    "windows": "period periods interval frequency window billing-period",
    "rate": "percent percentage share part fraction",
    "off": "discount percent percentage reduction rebate",
    "within": "countries country regions region areas locations only in",
    "text": "description wording quote language clause-text",
    "id": "name key identifier",
    "tiers": "bands brackets levels steps thresholds",
}
"""By key, what else it is called: the first of these that a place allows is meant."""


def key_meant(word: str, keys: Collection[str]) -> str | None:
    """The key of a place that a word stands for: by its other names, or as the nearest; None where there is none."""
    known = frozenset(keys)
    return next(_by_name(word.casefold().replace("_", "-"), known), None) or nearest(word, known)


def _by_name(word: str, keys: Collection[str]) -> Iterator[str]:
    yield from (key for key, names in _NAMES.items() if key in keys and word in names.split())
