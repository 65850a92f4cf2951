"""Plan and traffic obey one verdict: a plan may use what the gateway admits and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.case.notes import notes
from detente.contract.reach.verdict import verdict
from detente.errors import CaseError
from detente.gateway.deciding import admit as admission
from detente.gateway.deciding.admit import Candidate, admit
from detente.gateway.deciding.policy import Policy
from detente.live.deployment import Operation
from detente.live.request import Request
from detente.planner.check import performable
from detente.planner.formulation.formulate import formulate
from detente.planner.solve import plan
from detente.report.plans.explanation import explain
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.results.plan_rows import PeriodRow
from tests.builders import Data, agreement, data_of, day, placed, refused, solved, tokens, work
from tests.drawing import drawing
from tests.drawn_cases import worlds
from tests.gateway.stage import deployment
from tests.spread import MANY, spread

EXAMPLES = Path(__file__).parents[2] / "examples"
MOMENT = timedelta(microseconds=1)
some = drawing(26)


def moments(case: Case, period: PeriodRow) -> list[datetime]:
    """A period's first and last moment, and those in it at which a clause begins or ends."""
    edges = {edge for term in case.terms for edge in (term.validity.start, term.validity.end - MOMENT)}
    return [period.span_start, period.span_end - MOMENT] + [
        edge for edge in sorted(edges) if period.span_start < edge < period.span_end
    ]


def asked(policy: Policy, name: str, at: datetime) -> dict[str, list[Candidate]]:
    """By offer, what becomes of a workload's own call at its deployments."""
    workload = policy.workloads[name]
    found: dict[str, list[Candidate]] = {}
    for operation in get_args(Operation):
        request = Request(workload.id, workload.kind, tuple(workload.labels.items()), workload.id, operation)
        for candidate in admit(policy, request, at).candidates:
            if operation in candidate.deployed.deployment.serves:
                found.setdefault(candidate.deployed.offer.id, []).append(candidate)
    return found


Throughout = tuple[Candidate, ...]
"""What becomes of a workload's calls at a deployment, at each moment of a period."""


def sent(case: Case, found: Plan, every: int = 1) -> Iterator[tuple[str, str, int, list[Throughout]]]:
    """Each deployed workload and offer in every so many periods, with what becomes of its calls by deployment."""
    policy = Policy.of(case, found)
    for name in policy.workloads:
        for period in found.periods[::every]:
            calls = [asked(policy, name, at) for at in moments(case, period)]
            for offer in calls[0]:
                yield name, offer, period.index, list(zip(*(call[offer] for call in calls), strict=True))


def admitted(deployments: list[Throughout]) -> bool:
    """Whether one deployment serves it throughout: a plan moves no work within a period."""
    return any(all(c.permitted for c in each) for each in deployments)


def assert_open_where_admitted(case: Case, found: Plan) -> None:
    """A plan may use just what the gateway admits: each asks the clauses about every place, and neither the other."""
    draft = formulate(case)
    closed = {column for denial in draft.program.denials for column in denial.numbers.tolist()}
    columns = {(arc.workload.id, arc.offer.id): draft.x[arc.index] for arc in draft.arcs}
    for workload, offer, period, deployments in sent(case, found):
        by_fact = any(c.fact for each in deployments for c in each)  # the plan bought none of it, say
        if (workload, offer) in columns and not by_fact:
            may = int(columns[workload, offer][period]) not in closed
            assert may == admitted(deployments), f"{workload} on {offer} in {period}: {may} in a plan alone"


def assert_one_verdict(case: Case, found: Plan, every: int = 1) -> list[str]:
    """Returns the workload of each place and period that was planned and admitted."""
    admitted_as_planned = list[str]()
    work = {(a.workload, a.offer, a.period) for a in found.allocations if a.work}
    batches = {offer.id for offer in case.offers if offer.sells_batches()}
    filed = {workload.id for workload in case.workloads if workload.only_in_batches}
    for workload, offer, period, deployments in sent(case, found, every):
        planned, served = (workload, offer, period) in work, admitted(deployments)
        if workload in filed and offer in batches:
            assert not served, f"{workload} goes to {offer} by its batch API, and is admitted as calls"
            continue
        assert served or not planned, f"{workload} is planned on {offer}, and is not admitted there"
        admitted_as_planned += [workload] * planned
    return admitted_as_planned


@st.composite
def deployed(draw: Any) -> Case:
    """A random case, most of whose offers are deployed, in one region or in several."""
    kinds = ["exclusivity", "residency", "share", "minimum-commitment", "redundancy"]
    world = spread(draw, draw(worlds(kinds=kinds, need=draw(st.sampled_from(kinds[:2])))), least=0, most=2)
    try:
        return Case.of(world)
    except CaseError:
        assume(False)
        raise


@some
@given(deployed())
def test_what_is_planned_is_admitted_and_what_is_denied_is_not_planned(case: Case) -> None:
    found = plan(case)
    if not isinstance(found, Conflict):
        assert_one_verdict(case, found)
        assert_open_where_admitted(case, found)


@pytest.mark.parametrize("judged", [slice(1), slice(1, None)])
def test_a_gateway_that_judges_some_places_of_a_deployment_breaks_the_law(judged: slice) -> None:
    case = spanning(["dublin", "boston"], ["boston", "dublin"])
    found = solved(case)
    assert_open_where_admitted(case, found)
    some = mock.patch.object(admission, "verdict", lambda terms, facts, places: verdict(terms, facts, places[judged]))
    with some, pytest.raises(AssertionError, match="chat on north-api in 0: False in a plan alone"):
        assert_open_where_admitted(case, found)


def test_the_examples_plans_are_admitted(planned: Callable[..., Plan]) -> None:
    case, found = Case.load(EXAMPLES / "enterprise"), planned("enterprise")
    met = assert_one_verdict(case, found, every=len(found.periods) // 40)
    assert set(met) == Policy.of(case, found).workloads.keys(), "the law says nothing of what goes nowhere"


# -- by hand ----------------------------------------------------------------------------------------------------------
STAYS = {"id": "stays", "kind": "residency", "within": ["EU"], "text": "It stays in the Union."}


def spanning(*regions: list[str], clause: Data | None = None, **more: object) -> Case:
    """East in Frankfurt at 5 USD, and North in Dublin at 2, with a deployment over each of some lists of regions."""
    made = [
        deployment(f"n{n}", "north-api", "http://a.example", **({"regions": there} if there else {}))
        for n, there in enumerate(regions)
    ]
    made.append(deployment("e", "east-api", "http://b.example"))
    data = data_of(
        [tokens("north", 2), tokens("east", 5)],
        [work()],
        agreement(clause or STAYS, party="self"),
        providers=MANY,
        deployments=made,
    )
    return Case.of(data | more)


@pytest.mark.parametrize(
    ("regions", "where"),
    [
        ([["dublin"]], "north-api"),
        ([["boston", "dublin"]], "east-api"),
        ([["boston", "dublin"], ["dublin"]], "north-api"),
        ([["boston", "dublin"], ["dublin", "oslo"]], "east-api"),
        ([], "north-api"),
    ],
)
def test_an_offer_is_used_where_one_of_its_deployments_is_permitted_in_all_its_regions(
    regions: list[list[str]], where: str
) -> None:
    case = spanning(*regions)
    found = solved(case)
    assert set(placed(found)) == {where}
    if regions:
        assert len(assert_one_verdict(case, found)) == len(found.periods)


def test_a_deployment_is_closed_only_while_the_clause_is_in_force() -> None:
    case = spanning(["boston", "dublin"], clause=STAYS | {"from": "2026-02-15", "until": "2026-05-01"})
    found = solved(case)
    used = [
        {a.offer for a in found.allocations if a.work and a.period == p.index and a.workload == "chat"}
        for p in found.periods
    ]
    assert used == [{"north-api"}, {"east-api"}, {"east-api"}, {"east-api"}, {"north-api"}, {"north-api"}]
    assert len(assert_one_verdict(case, found)) == len(found.periods)


def test_two_clauses_may_each_close_one_of_two_deployments() -> None:
    """Neither alone keeps the work off the offer; both together do."""
    not_oslo = {"id": "not-oslo", "kind": "exclusivity", "provider": "east", "of": {"region": "oslo"}}
    not_boston = {"id": "not-boston", "kind": "exclusivity", "provider": "east", "of": {"region": "boston"}}
    two = [["boston", "dublin"], ["dublin", "oslo"]]
    for clause in (not_oslo, not_boston):
        assert set(placed(solved(spanning(*two, clause=clause)))) == {"north-api"}
    both = agreement(not_oslo, not_boston, party="self", ends="2026-07")
    assert set(placed(solved(spanning(*two, agreements=[both])))) == {"east-api"}


NORTH_TWICE = ["boston", "dublin"]


@pytest.mark.parametrize("kind", [{"kind": "spending-cap", "windows": {"every": "month"}}, {"kind": "credit"}])
def test_what_only_deployments_reach_is_not_counted_and_is_a_mistake(kind: dict[str, object]) -> None:
    """Use counts where its offer stands: a clause on another place alone would count nothing, and say nothing."""
    clause = kind | {"id": "counts", "amount": "1 k USD", "of": {"provider": "north", "region": "boston"}}
    with pytest.raises(CaseError, match=r"`counts` counts nothing: use counts where its offer stands"):
        spanning(NORTH_TWICE, agreements=[agreement(clause, party="north")])


def test_what_deployments_reach_beside_what_counts_is_noted() -> None:
    both = {"id": "us", "kind": "spending-cap", "amount": "1 k USD", "windows": {"every": "month"}}
    deal = agreement(both | {"of": {"country": "US"}}, party="self")
    own = tokens("north", 5, id="own", region="boston")
    case = spanning(NORTH_TWICE, agreements=[deal], offers=[tokens("north", 2), own, tokens("east", 5)])
    (note,) = notes(case)
    assert note.what == "`us` counts no use of `north-api`, of which a deployment may run calls in `boston`"


def test_what_deployments_reach_under_a_reading_that_nobody_chose_is_noted() -> None:
    """The wide reading covers Boston, where a deployment reaches; the narrow one does not."""
    cap = {"id": "read", "kind": "spending-cap", "amount": "1 k USD", "windows": {"every": "month"}}
    wide, narrow = ({"of": {"region": regions}} for regions in (["boston", "frankfurt"], ["frankfurt"]))
    deal = agreement(cap | {"readings": {"narrow": narrow, "wide": wide}}, party="self")
    assert [note.what.partition(" ")[0] for note in notes(spanning(NORTH_TWICE, agreements=[deal]))] == ["`read`"]


@pytest.mark.parametrize(("region", "met"), [("dublin", ["cap"]), ("boston", [])])
def test_a_cap_meets_a_call_by_where_its_use_will_count(region: str, met: list[str]) -> None:
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1 k USD", "windows": {"every": "month"}}
    deal = agreement(cap | {"of": {"region": [region, "frankfurt"]}}, party="self")
    case = spanning(NORTH_TWICE, agreements=[deal])
    policy = Policy.of(case)
    workload = policy.workloads["chat"]
    asked = Request(workload.id, workload.kind, tuple(workload.labels.items()), workload.id, "chat")
    north = next(c for c in admit(policy, asked, day("2026-01-05")).candidates if c.deployed.offer.id == "north-api")
    assert [taker.cap.id for taker in north.caps] == met
    assert [term.id for term in north.live] == met


def test_without_another_offer_there_is_no_plan_and_the_conflict_names_the_clause() -> None:
    data = data_of([tokens("north", 2)], [work()], agreement(STAYS, party="self"), providers=MANY)
    case = Case.of(
        data | {"deployments": [deployment("n", "north-api", "http://a.example", regions=["boston", "dublin"])]}
    )
    found = refused(case)
    assert [clause.term for clause in found.clauses] == ["stays"]


def test_check_plan_and_explanation_say_the_same_and_name_the_region() -> None:
    why_not = "a deployment of it may run work in `boston`; everything stays in EU, and `boston` is in US"
    two = spanning(["boston", "dublin"])
    found = solved(two)
    assert performable(two) is None
    (line,) = explain(two, found, "chat@north").lines
    assert (line.sentence, line.terms) == (f"not on `north-api`: {why_not}", ("stays",))
    alone = data_of([tokens("north", 2)], [work()], agreement(STAYS, party="self"), providers=MANY)
    wide = deployment("n", "north-api", "http://a.example", regions=["boston", "dublin"])
    case = Case.of(alone | {"deployments": [wide]})
    conflict = performable(case)
    assert conflict is not None
    assert [clause.term for clause in conflict.clauses] == ["stays"]
    (line,) = explain(case, conflict, "chat").lines
    assert (line.sentence, line.terms) == (f"deny on `north-api`: {why_not}", ("stays",))
