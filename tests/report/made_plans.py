"""Plans made by hand, for the report's tests: a tiny one, an empty one, a hostile one; and a conflict."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from detente.results.allocations import Allocations
from detente.results.conflict import Clash, Concession, Conflict, Given, Version
from detente.results.plan import Plan
from detente.results.plan_rows import (
    Allocation,
    CapacityRow,
    Decision,
    DecisionReason,
    ProviderCharge,
    ProviderRow,
    WorkloadRow,
)
from detente.values.period import LAST, moment
from tests.builders import day
from tests.report.frontier import BN, D, frontier, months


def tiny() -> Plan:
    """One workload on one metered offer for two months; no clause at all."""
    periods = months(2)
    work = D("1500")
    allocations = tuple(Allocation("chat", "tokens", "acme", "home", i, work, work, D("600.25")) for i in range(2))
    cost = D("1200.5")
    return Plan(
        Plan.FORMAT,
        "tiny",
        "Tiny",
        "ab" * 32,
        "EUR",
        None,
        None,
        "optimal",
        cost,
        cost,
        D(0),
        cost,
        D(0),
        D(0),
        D(0),
        periods,
        allocations,
        (),
        (),
        (),
        (),
        (),
        (ProviderCharge("use", "acme", cost, cost),),
        (),
        (),
        (WorkloadRow("chat", "inference", "Mtok", {}, work * 2, work * 2, 0, D(0)),),
        (
            ProviderRow(
                "acme",
                "Acme",
                "",
                cost,
                D(1),
                {"Mtok": work * 2},
                {"Mtok": D(1)},
                {"Mtok": D("0.400167")},
                1,
                ("chat",),
                D(0),
            ),
        ),
        tuple(CapacityRow("tokens", "acme", i, None, work, work, D(0)) for i in range(2)),
        (
            Decision(
                "chat",
                "tokens",
                work * 2,
                (
                    DecisionReason("100% of `chat` runs here"),
                    DecisionReason("the lowest price of all that can serve it"),
                ),
            ),
        ),
        (),
    )


def empty() -> Plan:
    """Nothing: no period, no workload, no provider, no cost."""
    return Plan(
        Plan.FORMAT,
        "empty",
        "",
        "00" * 32,
        "USD",
        None,
        None,
        "optimal",
        D(0),
        D(0),
        D(0),
        D(0),
        D(0),
        D(0),
        D(0),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
        (),
    )


EVIL = "<script>alert('1')</script>\"&`x`"


def hostile() -> Plan:
    """Markup in every text, ids of 200 characters, and no bound."""
    long = "an-id-that-does-not-end-" * 9
    plan = frontier("spirit")
    renamed = {"agent-runtime": long, "core-research": EVIL}
    new = renamed.get
    return replace(
        plan,
        case=EVIL,
        title=EVIL,
        hash=EVIL,
        reading=EVIL,
        scenario=EVIL,
        status="interrupted",
        bound=D(-(10**15)),
        gap=D(2000),
        allocations=Allocations.of(
            replace(a, workload=new(a.workload, a.workload), region=EVIL) for a in plan.allocations
        ),
        unserved=tuple(replace(u, workload=new(u.workload, u.workload)) for u in plan.unserved),
        workloads=tuple(replace(w, workload=new(w.workload, w.workload), kind=EVIL) for w in plan.workloads),
        decisions=tuple(
            replace(d, workload=new(d.workload, d.workload), reasons=(DecisionReason(EVIL, EVIL), *d.reasons))
            for d in plan.decisions
        ),
        providers=tuple(replace(p, name=EVIL + p.name, interest=EVIL) for p in plan.providers),
        standings=tuple(replace(w, term=long if w.term.startswith("aws") else EVIL) for w in plan.commitments),
        clauses=tuple(
            replace(
                c,
                term=EVIL,
                kind=EVIL,
                text=EVIL * 9,
                source=f"https://example.org/{EVIL}",
                sentence=EVIL,
                agreement=long,
                marginal=tuple(replace(m, part=EVIL, unit=EVIL) for m in c.marginal),
            )
            for c in plan.clauses
        ),
        purchases=tuple(replace(p, offer=EVIL) for p in plan.purchases),
    )


def _version(term: str) -> Version:
    return Version(term, day("2026-01-01"), moment(LAST), False)


def conflict() -> Conflict:
    """Three clauses that collide, two ways out."""
    return Conflict(
        "spirit",
        (
            Clash(
                _version("azure-api-exclusivity"),
                "microsoft",
                "API products developed with third parties run exclusively on Azure.",
                "api: stateless or stateful runs only on azure",
            ),
            Clash(
                _version("aws-commitment"),
                "aws",
                "The customer shall spend the committed amount in each contract year.",
                "at least 50.0 bn USD of spend (provider: aws) over its windows; it must be met",
            ),
            Clash(_version("azure-share"), "own-policy", "", "at least 60% of work goes to provider: azure"),
        ),
        ("`agent-runtime` must be served: it has no `value`, so it cannot go unserved",),
        (
            Concession(
                _version("aws-commitment"),
                (Given("floor", D("4.1") * BN, "USD"),),
                "accept a shortfall of 4.10 bn USD against this commitment (Mar 2029 – Feb 2030: 4.10 bn USD)",
                D("812.4") * BN,
            ),
            Concession(
                _version("azure-api-exclusivity"),
                (Given("denied", D("2300000"), "GPU-hour"),),
                "let 2.3e+06 GPU-hours of `api: stateful` run outside azure",
                None,
            ),
        ),
    )


@cache
def many(k: int) -> Plan:
    """``frontier`` so many times over, each time with other names: more rows than a page can show."""
    base = frontier("spirit")

    def times(i: int) -> Plan:
        return replace(
            base,
            allocations=tuple(
                replace(a, workload=f"{a.workload}-{i}", offer=f"{a.offer}-{i}") for a in base.allocations
            ),
            workloads=tuple(replace(w, workload=f"{w.workload}-{i}") for w in base.workloads),
            capacity=tuple(replace(c, offer=f"{c.offer}-{i}") for c in base.capacity),
            decisions=tuple(replace(d, workload=f"{d.workload}-{i}") for d in base.decisions),
            standings=tuple(replace(c, term=f"{c.term}-{i}") for c in base.commitments),
            clauses=tuple(replace(c, term=f"{c.term}-{i}", text=c.text * 20) for c in base.clauses),
            purchases=tuple(replace(p, offer=f"{p.offer}-{i}") for p in base.purchases),
            providers=tuple(replace(p, provider=f"{p.provider}-{i}") for p in base.providers),
        )

    rest = [times(i) for i in range(k)]
    return replace(
        base,
        allocations=Allocations.of(a for p in (base, *rest) for a in p.allocations),
        workloads=base.workloads + tuple(w for p in rest for w in p.workloads),
        capacity=base.capacity + tuple(c for p in rest for c in p.capacity),
        decisions=base.decisions + tuple(d for p in rest for d in p.decisions),
        standings=base.commitments + tuple(c for p in rest for c in p.commitments),
        clauses=base.clauses + tuple(c for p in rest for c in p.clauses),
        purchases=base.purchases + tuple(q for p in rest for q in p.purchases),
        providers=base.providers + tuple(q for p in rest for q in p.providers),
    )
