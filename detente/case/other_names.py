"""What people call the keys of a case and their values elsewhere: in contracts, at clouds and in other tools.

Owns: which key of a place, and which of its values, a word stands for. Not here: the sentences about keys
(``wording``), and the words of clauses for whole kinds of them (``kind_words``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from detente.values.likeness import nearest

_NAMES: dict[str, str] = {
    # what a word means where several keys are allowed, the first of them: of a step, a tier, a payment
    "by reach": "date day on deadline due until",
    "reach": "amount threshold target total",
    "from price": "above over threshold bound starting-at",
    "on amount": "due due-date date day when",
    "on availability": "month date day period window",
    "by index": "rate percent percentage increase rise uplift",
    "at method": "price prices rate",
    "bands": "availability credit uptime tiers levels thresholds",
    "cap": "max maximum limit at-most up-to ceiling",
    # sections
    "agreements": "contracts contract deals policies rules constraints",
    "networks": "egress transfers transfer network bandwidth",
    "offers": "products skus services resources instances pricing catalogue",
    "providers": "vendors vendor suppliers clouds cloud",
    "workloads": "jobs tasks apps applications demands models",
    # times
    "effective": "start starts start-date begins begin from effective-date signed date",
    "ends": "end end-date expires expiry expiration until to termination term duration",
    "end": "ends to until finish stop",
    "start": "starts begin begins from since",
    "starts": "from start begin begins since first first-day start-date anchor",
    "every": "step period interval granularity frequency grid resolution",
    "deadline": "due due-date due-by finish-by by",
    "due": "date day on by deadline delivery-date",
    "from": "start begin begins start-date since effective effective-date",
    "until": "end ends end-date expires expiry expiration valid-until term duration last-day",
    # who and where
    "with": "party parties counterparty vendor supplier provider",
    "provider": "vendor supplier cloud party seller only",
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
    "quantity": "amount gpus units count number capacity",
    "commitment": "amount hourly spend commit",
    "survives": "share at-least part percent percentage",
    "rate": "percent percentage share part fraction off discount",
    "off": "discount percent percentage reduction rebate rate saving",
    "fee": "penalty rate percent percentage",
    "for": "reason cause type",
    "answer-within": "period notice days",
    "within": "countries country regions region areas locations only in",
    "text": "description wording quote language clause-text",
    "id": "name key identifier",
    "tiers": "bands brackets levels steps thresholds",
    "valid-for": "lapses lapse expires expiry expiration validity valid-until valid",
    "make-up": "makeup make-up-right bank",
    "parties": "affiliates affiliate who whom entities subsidiaries",
    "measure": "credits discounts gross net money",
}
"""By key, what else it is called: the first of these that a place allows is meant. `by reach`: `by`, beside `reach`."""

_VALUES: dict[str, str] = {
    # which money counts, and when
    "list": "before-discounts before-discount gross list-price undiscounted pre-discount",
    "after-discounts": "before-credits before-credit net-of-discounts discounted",
    "after-credits": "net-of-credits",
    "after-plans": "net-of-plans net-of-savings-plans",
    "invoice": "invoiced invoice-date billing billed",
    "use": "usage used consumption accrual",
    "purchase": "purchased bought",
    "fee": "penalty lost forfeited true-up",
    "prepayment": "credit prepaid prepay credited",
    # how prices combine
    "product": "multiplicative multiply multiplied",
    "sum": "additive add added",
    "best-of": "lower-of lowest-price best highest-discount",
    "graduated": "incremental marginal progressive tiered",
    "all-units": "volume retroactive slab cliff",
    "chain": "chained compound compounding previous",
    "base": "original simple",
    "lower-of": "best-of lower lowest",
    # windows, and what becomes of them
    "hour": "hourly",
    "day": "daily 24-hours",
    "week": "weekly 7-days",
    "month": "monthly billing-month",
    "quarter": "quarterly 3-months",
    "half-year": "semiannual semi-annual semi-annually biannual half-yearly half-years 6-months six-months",
    "year": "yearly annual annually contract-year 12-months 4-quarters",
    "term": "whole-term once total in-all",
    "prorate": "pro-rata prorated proportional",
    "pro-rata": "prorate prorated proportional",
    "upfront": "prepaid all-upfront up-front advance in-advance",
    "in-arrears": "arrears postpaid",
    "reserved": "reservation committed commitment ri",
    "on-demand": "ondemand payg pay-as-you-go",
    "spot": "preemptible",
    # kinds of workloads and of offers
    "inference": "realtime real-time online interactive serving serve chat live completion completions",
    "batch": "offline async asynchronous bulk",
    "training": "fine-tuning finetuning finetune pretraining pre-training",
    "tokens": "api serverless pay-per-token per-token model-api endpoint",
    "provisioned": "ptu ptus provisioned-throughput pt throughput",
    "gpu": "accelerator compute vm instance server machine",
}
"""By value, what else it is called: never one that says the contrary, as the nearest by its letters may be."""


_WORDS = frozenset(word for key, names in _NAMES.items() for word in (*key.split(), *names.split()))
"""Words that mean something here or elsewhere: no slip of the pen, unless for one very like (`kinds`)."""
_VERY_LIKE = 0.85


def key_meant(word: str, keys: Collection[str], inside: Collection[str] = ()) -> str | None:
    """The key of a place that a word stands for: by its other names, or misspelt; None where there is none.

    ``inside``: keys of what stands in the place, which are not misspelt.
    """
    known, said = frozenset(keys), word.casefold().replace("_", "-")
    in_number = next((key for key in (f"{said}s", said.removesuffix("s")) if key in known), None)
    if (meant := in_number or next(_by_name(said, known), None)) is not None:
        return meant
    is_word = word in inside or not _WORDS.isdisjoint((said, said.removesuffix("s")))
    return nearest(word, known, _VERY_LIKE) if is_word else nearest(word, known)


def value_meant(word: str, choices: Collection[str]) -> str | None:
    """Of the values that a key allows, the one that a word stands for elsewhere; None where there is none.

    A length of one is its unit: `1 year` is `year`.
    """
    said = word.casefold().replace("_", "-").replace(" ", "-")
    one = said.removeprefix("1-").removesuffix("s") if said.startswith("1-") else None
    return next((value for value in choices if value == one or said in _VALUES.get(value, "").split()), None)


def is_value(word: str) -> bool:
    """Whether a word is a value that some key has: no slip of the pen where another does not."""
    return word in _VALUES


@cache
def _keys_called() -> dict[str, list[tuple[str, list[str]]]]:
    """By name, the keys that are called so, each with the others that it stands beside then."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for beside, names in _NAMES.items():
        key, *others = beside.split()
        for name in dict.fromkeys(names.split()):
            found.setdefault(name, []).append((key, others))
    return found


def _by_name(word: str, keys: Collection[str]) -> Iterator[str]:
    for key, others in _keys_called().get(word, ()):
        if key in keys and all(other in keys for other in others):
            yield key
