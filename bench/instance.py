"""Seeded cases of any size: the same arguments give the same case, on every machine.

    python bench/instance.py [FOLDER] [--workloads 20] [--offers 30] [--periods 52] [--every week] [--seed 1]

writes one as a folder for `detente plan` (by default S, in out/bench). Prices and rates are of the right size, and
invented.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

START = date(2026, 1, 5)  # a Monday
DAYS = {"hour": 1 / 24, "day": 1, "week": 7}
COUNTRIES = ("US", "DE", "GB", "IE", "JP", "SE", "US", "FR")
PROVIDERS = ("boreal", "cirrus", "delta", "ember", "fjord", "garnet", "harbor", "indigo")
CARDS = ((2.6, 2.4), (1.5, 1.1), (4.8, 5.2), (0.9, 0.5), (3.4, 3.3), (6.1, 7.0))
"""USD an hour, and Mtok an hour, of a few accelerators."""

QUARTERS = ["2026-01-05", "2026-04-06", "2026-07-06", "2026-10-05"]  # their first Mondays

Case = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How large a case is."""

    name: str
    workloads: int
    offers: int
    periods: int
    every: str

    def case(self, seed: int = 1) -> Case:
        return instance(self.workloads, self.offers, self.periods, self.every, seed)


SIZES = {
    size.name: size
    for size in (
        Size("XS", 8, 20, 26, "week"),
        Size("S", 20, 30, 52, "week"),
        Size("S3", 36, 48, 84, "hour"),
        Size("M10", 60, 60, 168, "hour"),
        Size("M", 200, 200, 168, "hour"),
    )
}


def instance(workloads: int, offers: int, periods: int, every: str, seed: int = 1) -> Case:
    """A feasible case, as its files would hold it.

    A workload reaches about 1.45 · √offers offers. A fifth of the workloads keep N-1 standby, which doubles their
    columns. Agreements bring commitments, shares and exclusivity, policies residency and a limit on concentration.
    """
    chance = random.Random(f"{seed}/{workloads}/{offers}/{periods}/{every}")
    end = START + timedelta(days=round(periods * DAYS[every]))
    providers = PROVIDERS[: max(3, min(len(PROVIDERS), offers // 4))]
    sold = _offers(chance, offers, providers, every)
    return {
        "name": f"bench-{workloads}x{offers}x{periods}-{seed}",
        "horizon": {"start": str(START), "end": str(end), "every": every},
        "providers": [_provider(name, index) for index, name in enumerate(providers)],
        "networks": [{"from": "*", "to": "*", "price": "0.02 USD per GB"}],
        "offers": sold,
        "workloads": _workloads(chance, workloads, sold, every),
        "agreements": _agreements(providers, workloads, periods * DAYS[every]),
    }


def _provider(name: str, index: int) -> Case:
    regions = {f"{name}-{place}": {"country": COUNTRIES[(index + place) % len(COUNTRIES)]} for place in range(3)}
    return {"id": name, "name": name.title(), "regions": regions}


def _offers(chance: random.Random, count: int, providers: Sequence[str], every: str) -> list[Case]:
    """Two in five sell tokens; of the rest, the most by the hour, some spot, some reserved."""
    models = [f"model-{i}" for i in range(max(3, count // 14))]
    cards = [f"card-{i}" for i in range(max(3, count // 12))]
    made = {"token": 0, "gpu": 0}
    found = []
    for index in range(count):
        product = "token" if index % 5 in (0, 3) else "gpu"
        at = made[product]
        made[product] += 1
        provider = providers[(at + at // len(providers)) % len(providers)]
        where = {"provider": provider, "region": f"{provider}-{chance.randrange(3)}"}
        if product == "token":
            found.append({"id": f"o{index:03d}", **where, **_tokens(chance, models[at % len(models)])})
        else:
            found.append({"id": f"o{index:03d}", **where, **_gpu(chance, at, cards[at % len(cards)], every)})
    return found


def _tokens(chance: random.Random, model: str) -> Case:
    price = 0.9 * chance.uniform(0.7, 1.5)
    offer: Case = {
        "kind": "tokens",
        "model": model,
        "price": {"input": f"{price:.3f} USD per Mtok", "output": f"{4 * price:.3f} USD per Mtok"},
    }
    if chance.random() < 0.25:
        offer["capacity"] = f"{chance.randrange(60, 600)} Mtok per minute"
    return offer


def _gpu(chance: random.Random, at: int, card: str, every: str) -> Case:
    buy = ("on-demand", "on-demand", "reserved", "spot")[at % 7 % 4]
    price = CARDS[int(card.partition("-")[2]) % len(CARDS)][0] * chance.uniform(0.85, 1.3)
    price *= {"on-demand": 1.0, "reserved": 0.62, "spot": 0.55}[buy]
    unit = 64 if buy == "reserved" else chance.choice((1, 1, 8))
    offer: Case = {
        "kind": "gpu",
        "accelerator": card,
        "unit": unit,
        "buy": buy,
        "price": f"{price:.3f} USD per GPU-hour",
    }
    if buy != "on-demand" or chance.random() < 0.4:
        offer["capacity"] = f"{64 * chance.randrange(20, 100)} GPU"
    if buy == "reserved":
        offer |= {"term": "3 months" if every == "week" else "1 week", "cut": "prorate"}
        if every == "week":
            offer["starts"] = QUARTERS
    return offer


def _workloads(chance: random.Random, count: int, offers: list[Case], every: str) -> list[Case]:
    sold: dict[str, list[Case]] = {}
    for offer in offers:
        sold.setdefault(offer.get("model") or offer["accelerator"], []).append(offer)
    found = [_workload(chance, index, sold, len(offers), every) for index in range(count)]
    missing = [name for name in sold if not any(_names(w) & {name} for w in found)]
    for at, name in enumerate(missing):  # every offer is of use to somebody
        _serve(chance, found[at % count], name)
    return found


def _names(workload: Case) -> set[str]:
    return {*workload["runs-on"]["models"], *workload["runs-on"]["accelerators"]}


def _workload(chance: random.Random, index: int, sold: dict[str, list[Case]], offers: int, every: str) -> Case:
    kind = "batch" if index % 4 == 3 else "inference"
    size = 10 ** chance.uniform(2.0, 3.7)
    workload: Case = {
        "id": f"w{index:03d}",
        "kind": kind,
        "labels": {
            "api": ("stateless", "stateful")[index % 2],
            "data": "personal" if index % 5 == 1 else "other",
            "line": f"line-{index % 10}",
        },
        "runs-on": {"models": [], "accelerators": {}},
        "mix": {"output": f"{chance.randrange(10, 40)}%", "cached": f"{chance.randrange(0, 30)}%"},
        "demand": {"rate": f"{size:.0f} Mtok per hour"},
        "value": f"{chance.randrange(15, 40)} USD per Mtok",
        "revenue": f"{chance.randrange(5, 15)} USD per Mtok",
        "interruptible": "true",
    }
    if every == "hour":
        day = [f"{round(100 + 60 * (1 if 8 <= hour < 20 else -1) * chance.uniform(0.5, 1))}%" for hour in range(24)]
        workload["demand"]["profile"] = {"hours": day, "weekend": "60%"}
    else:
        workload["demand"]["growth"] = f"{chance.randrange(1, 4)}% per month"
    if kind == "batch":
        workload["within"] = "24 hours"
    if index % 3 == 0:
        home = chance.choice(next(iter(sold.values())))
        workload["data"] = {"at": f"{home['provider']}/{home['region']}", "moves": "0.05 GB per Mtok"}
    if index % 4 == 2 and workload["labels"]["line"] != "line-0" and workload["labels"]["data"] == "other":
        workload["survives"] = "60%"  # the exclusive and the personal need not: they may have one home only
    names = chance.sample(sorted(sold), len(sold))
    names.sort(key=lambda name: not name.startswith("model"))
    order = [names[0], *chance.sample(names[1:], len(names) - 1)]  # a model first: its capacity has no units
    wanted, reach = 1.45 * offers**0.5, 0
    for name in order:
        if not reach or reach + len(sold[name]) / 2 <= wanted:
            _serve(chance, workload, name)
            reach += len(sold[name])
    return workload


def _serve(chance: random.Random, workload: Case, name: str) -> None:
    if name.startswith("model"):
        workload["runs-on"]["models"].append(name)
    else:
        rate = CARDS[int(name.partition("-")[2]) % len(CARDS)][1] * chance.uniform(0.8, 1.25)
        workload["runs-on"]["accelerators"][name] = f"{rate:.3f} Mtok per GPU-hour"


def _agreements(providers: Sequence[str], workloads: int, days: float) -> list[Case]:
    """Three providers with a commitment each; the first also with exclusivity and a share."""
    first, second, third = providers[:3]
    amount = workloads * days * 2_500  # USD, of each: within what its eligible work would cost anyway, or nearly
    windows = {"every": "month", "cut": "prorate"}
    commitments = [
        {
            "id": f"{name}-floor",
            "kind": "minimum-commitment",
            "amount": f"{amount * part * min(1.0, 30 / days):.0f} USD",
            "windows": windows,
            "measure": "after-discounts",
            "carry-over": "20%",
            "shortfall": {"fee": "100%"},
        }
        for name, part in ((first, 1.0), (second, 0.7), (third, 0.5))
    ]
    exclusive = {
        "id": f"{first}-exclusive",
        "kind": "exclusivity",
        "of": {"api": "stateless", "line": "line-0"},
    }
    share = {"id": f"{first}-share", "kind": "share", "of": {"api": "stateful"}, "at-least": "25%"}
    off = {"id": f"{second}-off", "kind": "discount", "off": "7%", "of": {"product": "gpu"}}
    policies = [
        {"id": "personal-data", "kind": "residency", "of": {"data": "personal"}, "within": ["EU", "US"]},
        {"id": "spread", "kind": "share", "on": {"provider": second}, "at-most": "40%"},
    ]
    effective = str(START)
    return [
        {"id": f"{first}-2026", "with": first, "effective": effective, "terms": [commitments[0], exclusive, share]},
        {"id": f"{second}-2026", "with": second, "effective": effective, "terms": [commitments[1], off]},
        {"id": f"{third}-2026", "with": third, "effective": effective, "terms": [commitments[2]]},
        {"id": "policy", "with": "self", "effective": effective, "terms": policies},
    ]


def write(case: Case, folder: Path) -> Path:
    """The case as a folder of YAML files."""
    sections = ("providers", "offers", "agreements", "workloads")
    head = {key: value for key, value in case.items() if key not in sections}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.yaml").write_text(yaml.safe_dump(head, sort_keys=False), encoding="utf-8")
    for section in sections:
        (folder / section).mkdir(exist_ok=True)
        text = yaml.safe_dump({section: case[section]}, sort_keys=False)
        (folder / section / f"{section}.yaml").write_text(text, encoding="utf-8")
    return folder


def main() -> None:
    given = argparse.ArgumentParser(description="Write a seeded case to a folder.")
    given.add_argument("folder", type=Path, nargs="?", default=ROOT / "out" / "bench")
    given.add_argument("--workloads", type=int, default=20)
    given.add_argument("--offers", type=int, default=30)
    given.add_argument("--periods", type=int, default=52)
    given.add_argument("--every", choices=sorted(DAYS), default="week")
    given.add_argument("--seed", type=int, default=1)
    asked = given.parse_args()
    case = instance(asked.workloads, asked.offers, asked.periods, asked.every, asked.seed)
    sys.stdout.write(f"wrote {write(case, asked.folder)}\n")


if __name__ == "__main__":
    main()
