"""Where an offer may run work: every place of each deployment, and one verdict over all of them."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.contract.reach.verdict import Verdict
from detente.market.offer import AnyOffer
from tests.builders import Data, agreement, compute, data_of, day, gpus, solved, tokens, work
from tests.gateway.stage import deployment

AT = day("2026-01-10")
WORLD: list[Data] = [
    {
        "id": "north",
        "name": "North",
        "regions": {"dublin": {"country": "IE"}, "paris": {"country": "FR"}, "texas": {"country": "US"}},
    }
]
STAYS = agreement({"id": "stays", "kind": "residency", "within": ["EU"]}, party="self")

SELF_HOSTED: Data = {"runs-on": {"models": ["m"], "accelerators": {"H100": "1 Mtok per GPU-hour"}}}


def case(*deployments: Data, offers: list[Data] | None = None, terms: list[Data] | None = None, **head: Any) -> Case:
    """North sells tokens in Dublin; what runs stays in the EU."""
    data = data_of(offers or [tokens("north", 2)], [work()], *(terms or [STAYS]), providers=WORLD)
    return Case.of(data | {"deployments": list(deployments)} | head)


def at(regions: list[str], name: str = "d", **more: Any) -> Data:
    return deployment(name, "north-api", "http://a.example", regions=regions, **more)


def said(found: Case, workload: str = "chat", offer: str = "north-api") -> Verdict:
    (wanted,) = (w for w in found.workloads if w.id == workload)
    return found.verdict(wanted, by_id(found, offer), AT)


def by_id(found: Case, offer: str) -> AnyOffer:
    return next(o for o in found.offers if o.id == offer)


def regions(found: Case, offer: str = "north-api") -> list[list[str]]:
    return [[place["region"] for place in there] for there in found.places(found.workloads[0], by_id(found, offer))]


@pytest.mark.parametrize(
    ("deployments", "places", "decision"),
    [
        ([], [["dublin"]], "permit"),
        ([at([])], [["dublin"]], "permit"),
        ([at(["dublin", "texas"])], [["dublin", "texas"]], "deny"),
        ([at(["dublin", "paris"])], [["dublin", "paris"]], "permit"),
        ([at(["dublin", "texas"]), at(["dublin"], "e")], [["dublin", "texas"], ["dublin"]], "permit"),
        ([at(["dublin", "texas"]), at(["texas", "dublin"], "e")], [["dublin", "texas"], ["texas", "dublin"]], "deny"),
    ],
)
def test_work_is_permitted_where_any_deployment_is_in_all_its_places(
    deployments: list[Data], places: list[list[str]], decision: str
) -> None:
    found = case(*deployments)
    assert regions(found) == places
    assert said(found).permission == decision


@pytest.mark.parametrize(("runs_in", "cost"), [(["dublin", "paris"], 12000), (["dublin", "texas"], 18000)])
def test_no_work_is_planned_where_a_deployment_may_run_it_outside(runs_in: list[str], cost: int) -> None:
    """1000 Mtok through six months for 2 USD each, or for 3 where the cheaper offer may run it in Texas."""
    both = [tokens("north", 2), tokens("north", 3, id="north-dear")]
    assert solved(case(at(runs_in), offers=both)).cost == cost


def test_a_denial_elsewhere_than_at_the_offer_says_where() -> None:
    reason = said(case(at(["dublin", "texas"]))).reason
    assert str(reason) == (
        "a deployment of it may run work in `texas`; everything stays in EU, and `texas` is in US [stays]"
    )


def test_only_deployments_that_can_serve_the_workload_count_and_training_runs_on_the_offer() -> None:
    offers = [gpus("north", 2)]
    there = deployment("d", "north-gpu", "http://a.example", model="m", regions=["dublin", "texas"])
    there["offer"] = offers[0]["id"]
    job = {"id": "job", "kind": "training", "work": "100 GPU-hour", "deadline": "2026-02-01"}
    trains = compute("job", None) | job
    del trains["demand"]
    runs = work() | SELF_HOSTED
    other = compute("other")
    found = case(there, offers=offers, workloads=[runs, other, trains])
    offer = by_id(found, offers[0]["id"])
    chat, plain, training = found.workloads
    assert [[p["region"] for p in there] for there in found.places(chat, offer)] == [["dublin", "texas"]]
    assert {place["model"] for there in found.places(chat, offer) for place in there} == {"m"}
    own = ((found.offer_facts[offer.id],),)
    assert (found.places(plain, offer), found.places(training, offer)) == (own, own)
    assert [said(found, w.id, offer.id).permission for w in found.workloads] == ["deny", "permit", "permit"]


def test_a_clause_may_ask_for_the_model_that_a_deployment_serves_on_bare_capacity() -> None:
    offers = [gpus("north", 2)]
    clause = {"id": "not-m", "kind": "residency", "within": ["US"], "of": {"model": "m"}}
    runs = work() | SELF_HOSTED
    there = deployment("d", offers[0]["id"], "http://a.example", model="m")
    terms = [agreement(clause, party="self")]
    assert said(case(there, offers=offers, workloads=[runs], terms=terms), "chat", offers[0]["id"]).clause == "not-m"


def test_a_plan_depends_on_where_deployments_run_work_and_on_nothing_else_of_them() -> None:
    plain = case()
    assert plain.hash == case(at([])).hash == case(at(["dublin"], lacks=["tools"])).hash
    wide = case(at(["dublin", "texas"]))
    assert wide.hash == case(at(["dublin", "texas"], name="other")).hash
    assert len({plain.hash, wide.hash, case(at(["dublin", "paris"])).hash}) == 3
