"""A plan made by hand, for the report's tests: a lab on four clouds, by the letter or by the spirit of a clause.

Figures are invented; they add up as a plan's do (shares to one, spend to cost, work to demand).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

from detente.contract.settled.posting import Posting
from detente.contract.settled.standing import FLOOR, Standing
from detente.results.allocations import Allocations
from detente.results.plan import Plan
from detente.results.plan_rows import (
    Allocation,
    CapacityRow,
    ClauseRow,
    Decision,
    DecisionReason,
    MarginalPrice,
    PeriodRow,
    ProviderCharge,
    ProviderMove,
    ProviderRow,
    Purchase,
    Standby,
    Unserved,
    WorkloadRow,
)

D = Decimal
BN = D(10) ** 9
START = 2026
NANO = D("0.000000001")

# id: name, interest, regions
PROVIDERS = {
    "azure": (
        "Microsoft Azure",
        "exclusive access to the models for Copilot and deeper enterprise integration",
    ),
    "aws": ("AWS", "broaden its AI ecosystem through Bedrock, attract premium compute workloads"),
    "oracle": ("Oracle Cloud", "fill large sites that are built for one customer"),
    "coreweave": ("CoreWeave", "demand for specialised AI hardware and GPU clusters"),
}
# id: provider, region, price per GPU-hour, GPUs in the first year (thousands), growth a year
OFFERS = {
    "azure-gb200-us": ("azure", "eastus2", D("2.31"), 620, D("1.19")),
    "azure-gb200-eu": ("azure", "swedencentral", D("2.58"), 160, D("1.12")),
    "aws-trn2-us": ("aws", "us-east-1", D("1.94"), 210, D("1.34")),
    "aws-p6-eu": ("aws", "eu-central-1", D("2.62"), 70, D("1.15")),
    "oracle-gb200-tx": ("oracle", "abilene", D("2.17"), 290, D("1.26")),
    "coreweave-gb300": ("coreweave", "us-central", D("2.44"), 130, D("1.02")),
}
# id: kind, labels, thousand GPUs in the first year, growth a year, where it runs by the letter (shares)
WORKLOADS: dict[str, tuple[str, dict[str, str], int, D, dict[str, str]]] = {
    "core-research": (
        "training",
        {"purpose": "core-research"},
        390,
        D("1.20"),
        {"azure-gb200-us": "0.42", "oracle-gb200-tx": "0.38", "aws-trn2-us": "0.20"},
    ),
    "first-party-inference": (
        "inference",
        {"api": "none"},
        330,
        D("1.22"),
        {"azure-gb200-us": "0.61", "oracle-gb200-tx": "0.22", "azure-gb200-eu": "0.17"},
    ),
    "stateless-api": (
        "inference",
        {"api": "stateless"},
        150,
        D("1.18"),
        {"azure-gb200-us": "0.83", "azure-gb200-eu": "0.17"},
    ),
    "agent-runtime": (
        "inference",
        {"api": "stateful"},
        80,
        D("1.45"),
        {"aws-trn2-us": "0.74", "aws-p6-eu": "0.26"},
    ),
    "enterprise-integration": (
        "inference",
        {"api": "none"},
        90,
        D("1.15"),
        {"azure-gb200-us": "0.7", "azure-gb200-eu": "0.3"},
    ),
    "batch-and-evaluation": (
        "batch",
        {"purpose": "evaluation"},
        60,
        D("1.12"),
        {"coreweave-gb300": "0.8", "aws-trn2-us": "0.2"},
    ),
    "specialised-commercial": ("training", {"purpose": "commercial"}, 40, D("1.1"), {"coreweave-gb300": "1"}),
}
SPIRIT = {"agent-runtime": {"azure-gb200-us": "0.78", "azure-gb200-eu": "0.22"}}


def month(index: int) -> datetime:
    return datetime(START + index // 12, index % 12 + 1, 1, tzinfo=UTC)


def months(n: int) -> tuple[PeriodRow, ...]:
    found = []
    for i in range(n):
        a, b = month(i), month(i + 1)
        found.append(PeriodRow(i, a, b, a, b, D((b - a) // timedelta(hours=1))))
    return tuple(found)


def hours(n: int) -> tuple[PeriodRow, ...]:
    first = datetime(START, 1, 1, tzinfo=UTC)
    at = [first + timedelta(hours=i) for i in range(n + 1)]
    return tuple(PeriodRow(i, a, b, a, b, D(1)) for i, (a, b) in enumerate(pairwise(at)))


@cache
def pace(first: int, growth: D, year: int, month: int) -> D:
    """Thousand GPUs to GPUs, growing by the year in steps of a month."""
    return (D(first) * 1000 * growth ** (D(year - START) + D(month - 1) / 12)).quantize(D("0.001"))


def grown(first: int, growth: D, period: PeriodRow) -> D:
    """GPU-hours of a period."""
    return pace(first, growth, period.start.year, period.start.month) * period.hours


@cache
def frontier(reading: str | None = "letter", periods: tuple[PeriodRow, ...] | None = None) -> Plan:
    """A lab on four clouds for eight years; by the spirit its agents leave AWS, whose commitment falls short."""
    spirit = reading == "spirit"
    periods = months(96) if periods is None else periods
    allocations, standby, capacity, unserved = [], [], [], []
    used: dict[tuple[str, int], D] = {}
    for name, (_, _, first, growth, places) in WORKLOADS.items():
        for p in periods:
            demand = grown(first, growth, p)
            for offer, part in (SPIRIT.get(name, places) if spirit else places).items():
                provider, region, price, _, _ = OFFERS[offer]
                work = (demand * D(part)).quantize(NANO)
                if spirit and name == "agent-runtime" and p.start.year >= 2031 and offer == "azure-gb200-us":
                    lost = (work * D("0.12")).quantize(NANO)
                    work -= lost
                    unserved.append(Unserved(name, p.index, lost, (lost * 6).quantize(NANO)))
                allocations.append(
                    Allocation(name, offer, provider, region, p.index, work, work, (work * price).quantize(NANO))
                )
                used[offer, p.index] = used.get((offer, p.index), D(0)) + work
    for offer, (provider, _, _, first, growth) in OFFERS.items():
        for p in periods:
            limit = grown(first, growth, p)
            taken = used.get((offer, p.index), D(0))
            ready = max(D(0), min(limit - taken, limit * D("0.12")))
            bought = max(taken, limit * D("0.8")) if offer == "coreweave-gb300" else taken
            capacity.append(CapacityRow(offer, provider, p.index, max(limit, taken), bought, taken, ready))
            if ready and offer == "oracle-gb200-tx":
                standby.append(Standby("first-party-inference", offer, provider, p.index, ready))
    windows = commitment_windows(spirit)
    fees = [Posting(w.term, "shortfall-fee", i, w.start, w.end, w.owed) for i, w in enumerate(windows) if w.owed]
    share = Posting("revenue-share", "revenue-share", 0, month(0), month(60), D("31.4") * BN)
    postings = [*fees, share]
    listed = sum((a.cost for a in allocations), D(0))
    bill = listed + sum((p.amount for p in postings), D(0))
    missing = sum((u.cost for u in unserved), D(0))
    cost = bill + missing
    return Plan(
        Plan.FORMAT,
        "frontier-lab",
        "A frontier lab, three clouds and one disputed clause",
        "5f2c" * 16,
        "USD",
        reading,
        None,
        "optimal",
        cost,
        (cost * D("0.99993")).quantize(NANO),
        D("0.00007"),
        bill,
        missing,
        D(0),
        D(0),
        periods,
        Allocations.of(allocations),
        tuple(standby),
        (
            Purchase("coreweave-gb300", "coreweave", month(0), month(48), 12_800, D(35_064), D("44.9") * BN, True),
            Purchase("coreweave-gb300", "coreweave", month(48), month(96), 9_600, D(35_064), D("31.2") * BN, True),
        ),
        windows,
        tuple(unserved),
        (ProviderMove("agent-runtime", "azure", 24, D("0.25"), D(0)),),
        charges(allocations),
        tuple(postings),
        clauses(spirit),
        tuple(workload_rows(allocations, unserved)),
        tuple(provider_rows(allocations)),
        tuple(capacity),
        decisions(allocations, spirit),
        (),
    )


def commitment_windows(spirit: bool) -> tuple[Standing, ...]:
    ramp = ["2", "4", "5", "6", "7", "8", "9", "9"]
    found = []
    brought = D(0)
    for i, amount in enumerate(ramp):
        need = D(amount) * BN
        spend = need * (D("1.06") if not spirit else D("1.02") - D("0.06") * i)
        balance = spend + brought - need
        carried = min(max(balance, D(0)), need / 10)
        short = max(-balance, D(0))
        stands = floor("aws-commitment", i, 2, need, spend)
        found.append(replace(stands, brought=brought, carried=carried, short=short, owed=short))
        brought = carried
    return *found, *(floor("azure-commitment", i, 0, D(30) * BN, D(30) * BN + i * BN) for i in range(8))


def floor(term: str, index: int, first: int, need: D, spend: D) -> Standing:
    """A commitment in one year that is met."""
    start = 12 * index + first
    return Standing(
        term, "spend", FLOOR, "USD", index, month(start), month(start + 12), True, need, spend, of_money=True
    )


def clause(
    term: str,
    kind: str,
    agreement: str,
    party: str,
    sentence: str,
    text: str = "",
    binds: int = 0,
    owed: str = "0",
    unit: str = "USD per GPU-hour",
) -> ClauseRow:
    marginal = tuple(
        MarginalPrice("floor", month(12 * i), month(12 * i + 12), D("0.21") + D(i) / 100, unit) for i in range(binds)
    )
    source = "C: https://example.org/amended-agreement#4.2" if text else ""
    return ClauseRow(
        term, kind, agreement, party, text, source, sentence, month(0), month(84), bool(binds), D(owed), marginal
    )


def clauses(spirit: bool) -> tuple[ClauseRow, ...]:
    reach = "api: stateless or stateful" if spirit else "api: stateless"
    return (
        clause(
            "azure-api-exclusivity",
            "exclusivity",
            "microsoft",
            "azure",
            f"{reach} runs only on azure",
            "API products developed with third parties run exclusively on Azure.",
            8 if spirit else 0,
        ),
        clause(
            "azure-commitment",
            "minimum-commitment",
            "microsoft",
            "azure",
            "at least 240 bn USD of spend (provider: azure) over its windows; 100% of what is missing is owed",
            "OpenAI has contracted to purchase an incremental $250B of Azure services.",
            3,
            unit="USD per USD",
        ),
        clause(
            "aws-commitment",
            "minimum-commitment",
            "aws",
            "aws",
            "at least 50.0 bn USD of spend (provider: aws) over its windows; 100% of what is missing is owed",
            "The customer shall spend the committed amount in each contract year.",
            8 if spirit else 0,
            unit="USD per USD",
        ),
        clause(
            "coreweave-take",
            "take-or-pay",
            "coreweave",
            "coreweave",
            "104 k GPU of `coreweave-gb300` are paid for at 2.44 USD per GPU-hour, taken or not",
            "Customer shall pay for the Reserved Capacity whether or not it is used.",
            5,
        ),
        clause(
            "revenue-share",
            "revenue-share",
            "microsoft",
            "azure",
            "20% of the revenue of api: stateless is owed to azure",
            "",
            0,
            "31400000000",
        ),
        clause(
            "survive-any-loss",
            "redundancy",
            "availability",
            "self",
            "the loss of any one provider leaves 60% of kind: inference",
            "",
            8,
        ),
        clause("eu-data", "residency", "data-protection", "self", "data: eu stays in EU", "", 4),
    )


def workload_rows(allocations: list[Allocation], unserved: list[Unserved]) -> list[WorkloadRow]:
    found = []
    for name, (kind, labels, *_) in WORKLOADS.items():
        served = sum((a.work for a in allocations if a.workload == name), D(0))
        missing = sum((u.work for u in unserved if u.workload == name), D(0))
        found.append(WorkloadRow(name, kind, "GPU-hour", labels, served + missing, served, 0, D(0)))
    return found


def charges(allocations: list[Allocation]) -> tuple[ProviderCharge, ...]:
    found = []
    for name in PROVIDERS:
        spent = sum((a.cost for a in allocations if a.provider == name), D(0))
        idle = D("1.2") * BN if name == "coreweave" and spent else D(0)
        found += [ProviderCharge("use", name, spent - idle, spent - idle)] if spent else []
        found += [ProviderCharge("idle", name, idle, idle)] if idle else []
    return tuple(found)


def provider_rows(allocations: list[Allocation]) -> list[ProviderRow]:
    total = sum((a.cost for a in allocations), D(0)) or D(1)
    work = sum((a.work for a in allocations), D(0)) or D(1)
    found = []
    for name, (title, interest) in PROVIDERS.items():
        mine = [a for a in allocations if a.provider == name]
        spent, done = sum((a.cost for a in mine), D(0)), sum((a.work for a in mine), D(0))
        pairs = dict.fromkeys((a.workload, a.offer) for a in mine)
        found.append(
            ProviderRow(
                name,
                title,
                interest,
                spent,
                (spent / total).quantize(D("1e-6")),
                {"GPU-hour": done} if done else {},
                {"GPU-hour": (done / work).quantize(D("1e-6"))},
                {"GPU-hour": (spent / done).quantize(D("1e-6"))} if done else {},
                len(pairs),
                tuple(dict.fromkeys(w for w, _ in pairs)),
                D("1.2") * BN if name == "coreweave" else D(0),
            )
        )
    return found


def decisions(allocations: list[Allocation], spirit: bool) -> tuple[Decision, ...]:
    work: dict[tuple[str, str], D] = {}
    for a in allocations:
        work[a.workload, a.offer] = work.get((a.workload, a.offer), D(0)) + a.work
    denied = {"stateless-api"} | ({"agent-runtime"} if spirit else set())
    found = []
    for name in WORKLOADS:
        for offer, (provider, _, price, _, _) in OFFERS.items():
            done = work.get((name, offer), D(0))
            if done:
                reasons = f"runs here at {price} USD per GPU-hour", "the lowest price that is permitted"
                found.append(Decision(name, offer, done, tuple(map(DecisionReason, reasons))))
            elif name in denied and provider != "azure":
                text = f"api: stateless or stateful runs only on azure, so not on {provider}"
                denial = DecisionReason(text, "azure-api-exclusivity")
                found.append(Decision(name, offer, D(0), (denial,), True))
            else:
                text = f"at {price} USD per GPU-hour the work costs less, or is worth more, elsewhere"
                found.append(Decision(name, offer, D(0), (DecisionReason(text),)))
    return tuple(found)
