"""The laws that every kind of clause obeys (design §10), for each kind that denies something or moves a number.

A kind without a generator (``tests.terms.drawn``, or ``drawn`` in its own tests) fails here.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import chain, combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.case.planned import must_hold
from detente.contract.metered.use import RatedUse
from detente.contract.term import Term
from detente.errors import CaseError
from detente.planner.solve import plan
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.terms import kind_named
from detente.terms.minimum_commitment import MinimumCommitment
from detente.values.facts import DEMAND_KEYS
from detente.values.money import NANO
from tests.builders import EXACT, Data, settled_of, two_clouds
from tests.drawing import drawing
from tests.drawn_cases import cases, worlds
from tests.replayed import replayed
from tests.terms.drawn import ALIKE, ALL_KINDS, EACH_KIND, GENERATORS, generator

CENT = Decimal("0.01")
SMALL = Decimal("0.000001")

few = drawing(4)
every_kind = pytest.mark.parametrize("kind", EACH_KIND)


def test_each_kind_has_a_generator() -> None:
    assert set(GENERATORS) <= set(ALL_KINDS)
    assert all(callable(generator(kind)) for kind in ALL_KINDS)


def test_most_cases_that_are_drawn_can_be_read() -> None:
    """Else the laws are asked of few, and drawing takes longer than asking: a new check may refuse what is drawn."""
    drawn, refused = 0, list[str]()

    @drawing(30)
    @given(world=worlds(least=2, wide=True))
    def read(world: Data) -> None:
        nonlocal drawn
        drawn += 1
        try:
            Case.of(world)
        except CaseError as error:
            refused.append(str(error))

    read()
    assert len(refused) <= drawn / 3, "\n\n".join(refused)


def clauses(case: Case, kind: str) -> list[Term]:
    return [t for t in case.terms if t.kind in ALIKE.get(kind, (kind,))]


# -- 1, 3 and 4: what is asked of every plan, of the same ones -------------------------------------------------------
DENYING = ("exclusivity", "residency", "redundancy")


def any_case(kind: str) -> st.SearchStrategy[Case]:
    """With a clause of a kind, beside any others or beside some that deny work its place."""
    return cases(need=kind) | cases(need=kind, kinds=[*DENYING, kind], most=2)


@every_kind
@drawing(6)
@given(data=st.data())
def test_a_plan_obeys_costs_what_it_says_and_cites_clauses(kind: str, data: st.DataObject) -> None:
    case = data.draw(any_case(kind))
    _every_judgement_has_its_reason(case)
    found = plan(case)
    if isinstance(found, Conflict):
        return
    metered = replayed(case, found)
    _nothing_denied_is_allocated(case, found)
    _replayed_it_costs_what_it_said(case, found, metered)
    _every_denial_and_charge_cites_a_clause(case, found, metered)


def test_what_is_denied_is_met_in_draws() -> None:
    """Else nothing is asked of denials: most kinds deny nothing, and few are drawn beside them."""
    denied = 0

    @drawing(36)
    @given(case=cases(need="residency", kinds=DENYING, most=2))
    def each(case: Case) -> None:
        nonlocal denied
        found = plan(case)
        if isinstance(found, Conflict):
            return
        _nothing_denied_is_allocated(case, found)
        _every_denial_and_charge_cites_a_clause(case, found, replayed(case, found))
        of = {w.id: w.facts for w in case.workloads}
        always = [term for term in case.terms if _always(case, term)]
        pairs = [(of[decision.workload], case.offer_facts[decision.offer]) for decision in found.decisions]
        denied += any(term.judge(*pair).permission == "deny" for term in always for pair in pairs)

    each()
    assert denied >= 3


def _nothing_denied_is_allocated(case: Case, found: Plan) -> None:
    facts = {w.id: w.facts for w in case.workloads}
    rows: list[Any] = [*found.allocations, *found.standby]
    for row in rows:
        period = found.periods[row.period]
        for term in case.terms:
            if term.validity.over(period.span_start, period.span_end):
                verdict = term.judge(facts[row.workload], case.offer_facts[row.offer])
                assert verdict.permission in ("permit", "prefer"), (row, verdict)


def _replayed_it_costs_what_it_said(case: Case, found: Plan, metered: list[RatedUse]) -> None:
    """And it is read as it was saved."""
    assert Plan.from_json(found.to_json()) == found
    must_hold(found, case, "plan")
    posted = settled_of(case.terms, metered).postings
    owed = sum((line.use.listed for line in metered), Decimal(0)) + sum((p.amount for p in posted), Decimal(0))
    assert abs(owed - found.bill) <= SMALL * max(1, len(metered)), (owed, found.bill)
    each, said = (_by_clause(rows) for rows in (posted, found.postings))
    assert each.keys() == said.keys()
    for key, amount in said.items():
        assert abs(each[key] - amount) <= SMALL * max(1, len(metered)), key


def _by_clause(rows: Any) -> dict[tuple[str, str, Any], Decimal]:
    total: dict[tuple[str, str, Any], Decimal] = defaultdict(Decimal)
    for p in rows:
        total[p.term, p.part, p.start] += p.amount
    return {key: amount for key, amount in total.items() if abs(amount) > SMALL}


def _every_judgement_has_its_reason(case: Case) -> None:
    for term, workload, offer in product(case.terms, case.workloads, case.offer_facts.values()):
        for facts in (workload.facts, {"kind": workload.kind}):
            verdict = term.judge(facts, offer)
            if verdict.permission != "permit":
                assert verdict.reason is not None
                assert verdict.reason.term == term.id
                assert verdict.reason.sentence
    for term in case.terms:
        assert term.explain().term == term.id
        assert term.explain().sentence


def _every_denial_and_charge_cites_a_clause(case: Case, found: Plan, metered: list[RatedUse]) -> None:
    known = {t.id for t in case.terms}
    assert {p.term for p in found.postings} <= known
    listed = sum((line.use.listed for line in metered), Decimal(0))
    cited = sum((p.amount for p in found.postings), Decimal(0))
    assert abs(found.bill - listed - cited) < CENT  # beyond list prices, every charge is some clause's
    sold, wanted = case.offer_facts, {w.id: w.facts for w in case.workloads}
    for decision in found.decisions:
        assert set(decision.terms) <= known
        denials = [
            t for t in case.terms if t.judge(wanted[decision.workload], sold[decision.offer]).permission == "deny"
        ]
        if any(_always(case, t) for t in denials):
            assert decision.work == 0
            assert set(decision.terms) & {t.id for t in denials}


def _always(case: Case, term: Term) -> bool:
    return term.validity.start <= case.periods[0].span_start and term.validity.end >= case.periods[-1].span_end


# -- 2: denied while a fact is unknown means denied whatever the fact is ---------------------------------------------
@every_kind
@few
@given(data=st.data())
def test_unknown_facts_settle_nothing(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, most=1))
    values: dict[str, set[str]] = defaultdict(set)
    for workload in case.workloads:
        for key, value in workload.facts.items():
            values[key].add(value)
    for term, workload, offer in product(clauses(case, kind), case.workloads, case.offer_facts.values()):
        keys = [k for k in workload.facts if k not in DEMAND_KEYS] + ["kind"]
        for unknown in chain.from_iterable(combinations(keys, n) for n in (1, 2, 3)):
            known = {k: v for k, v in workload.facts.items() if k not in unknown}
            verdict = term.judge(known, offer).permission
            outcomes = set()
            for fill in product(*([*sorted(values[k]), "something else"] for k in unknown)):
                outcomes.add(term.judge({**known, **dict(zip(unknown, fill, strict=True))}, offer).permission)
            if verdict == "deny":
                assert outcomes == {"deny"}, (term.explain(), known, offer)
            if verdict in ("permit", "prefer"):
                assert "deny" not in outcomes, (term.explain(), known, offer)  # §2: unknown is not permitted


@pytest.mark.parametrize("areas", [["EU"], ["US"], ["IE", "DE"]])
def test_a_region_of_unknown_country_is_undecided(areas: list[str]) -> None:
    case = _residency(areas)
    (term,) = case.terms
    facts = next(w.facts for w in case.workloads)
    for offer in case.offer_facts.values():
        nowhere = {k: v for k, v in offer.items() if k != "country"}
        assert term.judge(facts, nowhere).permission == "undecided"
        assert {term.judge(facts, {**nowhere, "country": c}).permission for c in ("IE", "DE", "US")} >= {
            "permit",
            "deny",
        }


def _residency(areas: list[str]) -> Case:
    return two_clouds({"id": "stays", "kind": "residency", "within": areas})


# -- 5: dropping what restrains never costs, whatever is beside it; dropping what grants, alone, never saves ----------
@pytest.mark.parametrize("kind", [kind for kind in EACH_KIND if kind_named(kind).effect != "both"])
@few
@given(data=st.data())
def test_dropping_a_clause(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, kinds=[k for k in ALL_KINDS if k != kind], most=2))
    for term in clauses(case, kind):
        beside = {other.id for other in case.terms} - {term.id} if term.effect == "grants" else set[str]()
        whole, left = (plan(case.under(without={*beside, *out}), gap=EXACT) for out in ((), (term.id,)))
        dear, cheap = (whole, left) if term.effect == "restrains" else (left, whole)
        assert isinstance(cheap, Plan) or isinstance(dear, Conflict), f"by {term.id} there is a plan, or none"
        if isinstance(cheap, Plan) and isinstance(dear, Plan):
            assert cheap.cost <= dear.cost + _slack(dear)


def _slack(found: Plan) -> Decimal:
    return CENT + abs(found.cost) * SMALL + (found.cost - found.bound)


# -- 6: what a plan obeys it obeys in the exact bill, whole quanta and all ---------------------------------------------
@pytest.mark.parametrize("kind", ["minimum-commitment", "share", "spending-cap"])
@few
@given(data=st.data())
def test_no_clause_is_missed_by_a_rounding(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, kinds=["minimum-commitment", "share", "spending-cap", "discount"]))
    found = plan(case)
    if isinstance(found, Conflict):
        return
    metered = replayed(case, found)
    money = Decimal(len(metered)) * NANO  # each charge is rounded to a billionth
    for stands in settled_of(case.terms, metered).standings:
        assert stands.amount is not None or stands.role == "discount"
        room = Decimal(0) if stands.unit == "work" else money
        if stands.role in ("cap", "at-most"):
            assert stands.drawn <= (stands.amount or 0) + room, stands
        if stands.role == "at-least":
            assert stands.short <= room, stands
    for stands in found.commitments:
        assert not 0 < stands.short < SMALL, "a shortfall of less than a quantum is a rounding"
        term = next(t for t in case.terms if t.id == stands.term)
        assert isinstance(term, MinimumCommitment)
        assert stands.short == 0 or term.shortfall != "forbidden"
