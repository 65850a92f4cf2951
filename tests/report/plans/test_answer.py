from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from detente.report.plans import answer, digest
from detente.report.plans.comparison import disputes, measures
from detente.report.plans.implication import implications
from detente.results.plan import Plan
from tests.report.frontier import frontier, month
from tests.report.made_plans import empty, tiny

D = Decimal
LETTER, SPIRIT = frontier("letter"), frontier("spirit")


def test_labels_tell_plans_apart() -> None:
    assert answer.labels([LETTER, SPIRIT]) == ["letter", "spirit"]
    assert answer.labels([tiny()]) == ["the plan"]
    assert answer.labels([LETTER, LETTER]) == ["letter (1)", "letter (2)"]
    assert answer.labels([LETTER, replace(LETTER, scenario="injunction")]) == ["letter, baseline", "letter, injunction"]
    assert answer.labels([tiny(), replace(tiny(), scenario="x")]) == ["baseline", "x"]
    assert answer.labels([LETTER, tiny()]) == ["frontier-lab, letter", "tiny"]


def test_sentences_begin_with_what_holds() -> None:
    assert answer.under(LETTER) == "Under the reading `letter`"
    assert answer.under(tiny()) == ""
    assert answer.under(replace(LETTER, scenario="x")) == "In the scenario `x`, under the reading `letter`"
    assert answer.under(LETTER, "letter (2)") == "Under the reading `letter`, in plan 2"
    assert answer.under(tiny(), "tiny, the plan") == "In the case `tiny`"


@pytest.mark.parametrize(
    ("status", "gap", "says"),
    [
        ("optimal", "0", "no plan costs less."),
        ("optimal", "0.00007", "no plan is cheaper by more than 0.007%."),
        (
            "feasible",
            "0.02",
            "is cheaper by more than 2.0%, which is more than the requested gap; "
            "`--time-limit` gives the search more time.",
        ),
        ("time-limit", "0.3", "is cheaper by more than 30%; the search stopped at its time limit."),
        ("interrupted", "0.3", "is cheaper by more than 30%; the search was interrupted."),
    ],
)
def test_the_proof_says_how_good_the_plan_is(status: str, gap: str, says: str) -> None:
    assert answer.proof(replace(LETTER, status=status, gap=D(gap))).endswith(says)  # type: ignore[arg-type]


def test_the_proof_names_what_it_rests_on() -> None:
    close = replace(LETTER, bound=LETTER.cost - 1, gap=D("0.000000002"))
    assert answer.proof(close) == "Under these assumptions, no plan is cheaper by more than 0.0001%."


def test_no_bound_is_no_proof() -> None:
    assert "no lower bound was found" in answer.proof(replace(LETTER, bound=D(-(10**15)), gap=D(2000)))


def test_costs() -> None:
    assert answer.cost(LETTER) == "Under the reading `letter`, the plan costs 474.74 bn USD over 2026–2033."
    assert answer.cost(empty()) == "The plan costs nothing."
    assert answer.cost(replace(tiny(), cost=D("-2.5"))) == "The plan brings in 2.50 EUR net over Jan 2026 – Feb 2026."
    text = answer.cost(LETTER, "letter", against=SPIRIT, other="spirit")
    assert (
        text == "Under the reading `letter`, the plan costs 474.74 bn USD, 29.2 bn USD (5.8%) less than under `spirit`."
    )
    near = replace(LETTER, reading="near", cost=LETTER.cost + 1)
    assert "a difference smaller than the gap" in answer.cost(near, "near", against=LETTER, other="letter")
    assert "the same as under `letter`" in answer.cost(LETTER, "letter", against=LETTER, other="letter")


def test_commitments() -> None:
    assert answer.commitments(tiny()) == ["There are no minimum commitments."]
    assert answer.commitments(LETTER) == ["Every commitment is met."]
    one = replace(LETTER, standings=LETTER.commitments[:8])
    assert answer.commitments(one) == ["The commitment `aws-commitment` is met."]
    gap = [w for w in SPIRIT.commitments if w.term == "aws-commitment"]
    kept = replace(SPIRIT, standings=(gap[1], gap[2], gap[4], replace(gap[5], owed=D(0))))
    assert answer.commitments(kept) == [
        "The AWS commitment `aws-commitment` is 4.40 bn USD short in Mar 2027 – Feb 2029 (2 windows) and "
        "Mar 2030 – Feb 2032 (2 windows), for which 2.16 bn USD is owed."
    ]
    many = replace(SPIRIT, standings=tuple(replace(gap[3], term=f"c{i}") for i in range(5)))
    assert answer.commitments(many)[-1] == "2 more commitments fall short."


def test_demand() -> None:
    assert answer.unserved(LETTER) == "All demand is served."
    assert answer.unserved(empty()) == "There is no demand to serve."
    assert answer.unserved(SPIRIT) == (
        "Not all demand is served: `agent-runtime` goes without 6.6% of its demand (2.29 bn GPU-hours)."
    )


def test_moves_cite_the_clauses_that_are_new() -> None:
    found = {(m.workload, m.provider): m for m in answer.moves(LETTER, SPIRIT)}
    assert set(found) == {("agent-runtime", "aws"), ("agent-runtime", "azure")}
    lost = found["agent-runtime", "aws"]
    assert (lost.before, lost.after, lost.terms) == (D(1), D(0), ("azure-api-exclusivity",))
    assert answer.moves(LETTER, LETTER) == []
    assert answer.comparison([LETTER, SPIRIT])[-1].startswith("What moves from `letter` to `spirit`: `agent-runtime`")


def test_small_moves_are_not_told() -> None:
    def nudged(plan: Plan) -> Plan:
        rows = tuple(
            replace(a, work=a.work * D("1.05")) if (a.workload, a.provider) == ("core-research", "aws") else a
            for a in plan.allocations
        )
        return replace(plan, reading="near", allocations=rows)

    near = nudged(LETTER)
    assert answer.comparison([LETTER, near])[-1].startswith("Under the reading `near`")  # less than a hundredth moves


def test_measures_have_a_cell_a_plan() -> None:
    rows = measures([LETTER, SPIRIT, tiny()])
    assert all(len(r.cells) == 3 for r in rows)
    assert {r.name for r in rows if r.group == "Commitments"} == {"`aws-commitment`", "`azure-commitment`"}
    states = [c.state for r in rows if r.name == "`aws-commitment`" for c in r.cells]
    assert states == ["good", "bad", ""]
    assert "Against the first" not in {r.name for r in rows}


def test_disputed_clauses_are_those_that_say_something_else() -> None:
    (found,) = disputes([LETTER, SPIRIT])
    assert found.clause.term == "azure-api-exclusivity"
    assert found.sentences == ("api: stateless runs only on azure", "api: stateless or stateful runs only on azure")
    dropped = replace(LETTER, clauses=LETTER.clauses[1:])
    assert disputes([LETTER, dropped])[0].sentences[1] == "not in force"
    assert disputes([LETTER, tiny()]) == []


def test_implications_are_computed() -> None:
    azure, aws, oracle, coreweave = implications(LETTER)
    assert azure.sole == ("stateless-api", "enterprise-integration")
    assert aws.sole == ("agent-runtime",)
    assert oracle.sole == ()
    assert "nothing depends on it alone" in oracle.sentence
    assert coreweave.sentence == (
        "Carries 4.9% of GPU-hours for 5.3% of spend; 2.44 USD per GPU-hour, 8.7% above the others; "
        "`specialised-commercial` runs nowhere else; 2 deployments to maintain; "
        "1.20 bn USD is paid for idle capacity."
    )
    (price,) = aws.prices
    others = [p for p in LETTER.providers if p.provider != "aws"]
    mean = sum(p.work["GPU-hour"] * p.effective_price["GPU-hour"] for p in others) / sum(
        p.work["GPU-hour"] for p in others
    )
    assert price.others == mean
    assert price.above is not None
    assert price.above < 0


def test_implications_at_the_edges() -> None:
    (only,) = implications(tiny())
    assert only.sentence == (
        "Carries 100% of Mtok for 100% of spend; 0.4002 EUR per Mtok, with no other provider to compare; "
        "everything depends on it; 1 deployment to maintain."
    )
    paid = replace(tiny().providers[0], work={}, effective_price={}, spend=D(7))
    assert implications(replace(tiny(), providers=(paid,), allocations=()))[0].sentence == (
        "Carries nothing in this plan, but is paid 7.00 EUR."
    )


def test_sums_are_those_of_the_plan() -> None:
    placed = digest.placements(SPIRIT)
    for w in SPIRIT.workloads:
        assert sum(p.work for p in placed[w.workload]) == w.served
        assert float(sum(digest.by_provider(placed[w.workload]).values())) == pytest.approx(1)
    (missing,) = digest.unserved(SPIRIT)
    assert missing.cost == SPIRIT.unserved_cost
    assert (missing.first, missing.last) == (month(60), month(96))
    (bought,) = digest.purchases(SPIRIT)
    assert bought.cost == sum(p.cost for p in SPIRIT.purchases)
    assert (bought.times, bought.units, bought.start, bought.end) == (2, (9_600, 12_800), month(0), month(96))
    assert sum(c.short for c in digest.commitments(SPIRIT)) == sum(w.short for w in SPIRIT.commitments)
