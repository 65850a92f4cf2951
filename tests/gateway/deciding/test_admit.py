"""Who may serve a request: the clauses' own judge at every place, and never what is not known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from detente.gateway.deciding.admit import Admission, admit
from detente.gateway.deciding.policy import Policy
from detente.live.request import Request
from tests.builders import Data, agreement, compute, data_of, day, gpus, tokens, work
from tests.drawn_cases import worlds
from tests.gateway.stage import deployment
from tests.spread import MANY, spread
from tests.terms.drawn import ALL_KINDS

AT = day("2026-03-10")


def policy(*agreements: Data, deployments: list[Data] | None = None, **head: Any) -> Policy:
    """South at 2 USD and North at 3, each with a deployment; North's may run in any of its regions."""
    offers = head.pop("offers", [tokens("south", 2), tokens("north", 3)])
    workloads = head.pop("workloads", [work(labels={"team": "sales"})])
    given = [
        deployment("south-m", "south-api", "http://a.example"),
        deployment("north-m", "north-api", "http://b.example"),
    ]
    made = given if deployments is None else deployments
    return Policy.of(Case.of(data_of(offers, workloads, *agreements, providers=MANY, deployments=made) | head))


def ask(given: Policy, model: str = "m", at: datetime = AT, **more: Any) -> Admission:
    workload = given.workloads[more.pop("workload", "chat")]
    unknown = more.pop("unknown", ())
    labels = tuple((k, v) for k, v in workload.labels.items() if k not in unknown)
    return admit(given, Request(workload.id, workload.kind, labels, model, **more), at)


def verdicts(found: Admission) -> dict[str, tuple[str, str]]:
    return {c.deployed.id: (c.verdict.permission, c.clause) for c in found.candidates}


ONLY = {"id": "only", "kind": "exclusivity", "text": "Only on North."}
STAYS = {"id": "stays", "kind": "residency", "within": ["EU"], "text": "In the Union."}
PREFERS = {"id": "prefers", "kind": "share", "at-least": "20%"}


# -- clauses ----------------------------------------------------------------------------------------------------------
def test_without_clauses_all_are_permitted() -> None:
    found = ask(policy())
    assert verdicts(found) == {"south-m": ("permit", ""), "north-m": ("permit", "")}
    assert (found.denied, found.clauses) == ((), "")


def test_a_denial_cites_its_clause_and_text() -> None:
    found = ask(policy(agreement(ONLY)))
    assert verdicts(found) == {"south-m": ("deny", "only"), "north-m": ("permit", "")}
    (denied,) = found.denied
    assert denied.text == "Only on North."
    assert denied.verdict.reason is not None
    assert "runs only on north" in denied.verdict.reason.sentence
    assert (found.denied_by, found.clauses) == (("only",), "only")


def test_a_preference_is_kept() -> None:
    assert verdicts(ask(policy(agreement(PREFERS)))) == {"south-m": ("permit", ""), "north-m": ("prefer", "prefers")}


def test_denial_wins_over_what_is_undecided_and_that_over_a_preference() -> None:
    unknown = {"id": "unknown", "kind": "exclusivity", "of": {"secret": "yes"}}
    other = {"id": "theirs", "kind": "exclusivity"}
    # South: `unknown` is undecided, `only` denies. North: South's share is preferred, South's clause is undecided.
    both = policy(
        agreement(unknown, ONLY, {**PREFERS, "on": {"provider": "south"}}),
        agreement({**other, "of": {"secret": "yes"}}, party="south", id="b"),
        workloads=[work(labels={"secret": "no"}), work("other", labels={"secret": "yes"})],
    )
    found = ask(both, unknown=["secret"])
    assert verdicts(found) == {"south-m": ("deny", "only"), "north-m": ("undecided", "theirs")}
    assert found.permitted == ()
    assert verdicts(ask(both)) == {"south-m": ("deny", "only"), "north-m": ("permit", "")}


def test_an_unknown_label_fails_closed_and_a_known_one_settles_it() -> None:
    given = policy(
        agreement({**STAYS, "of": {"data": "personal"}}, party="self"),
        workloads=[work(labels={"data": "public"}), work("other", labels={"data": "personal"})],
    )
    assert verdicts(ask(given, unknown=["data"]))["south-m"] == ("undecided", "stays")
    assert verdicts(ask(given, unknown=["data"]))["north-m"] == ("permit", "")  # in the Union whatever the label
    assert verdicts(ask(given))["south-m"] == ("permit", "")
    assert verdicts(ask(given, workload="other"))["south-m"] == ("deny", "stays")


@pytest.mark.parametrize(
    ("regions", "decision"),
    [([], "permit"), (["dublin"], "permit"), (["dublin", "oslo"], "deny"), (["boston", "dublin"], "deny")],
)
def test_a_profile_over_regions_is_judged_at_each_of_them(regions: list[str], decision: str) -> None:
    there = [deployment("north-m", "north-api", "http://b.example", regions=regions)]
    given = policy(agreement(STAYS, party="self"), deployments=there)
    assert verdicts(ask(given))["north-m"][0] == decision


def test_a_clause_may_name_a_region_that_only_a_profile_reaches() -> None:
    """North's offer is in Dublin; Oslo is where its profile may run a call, too."""
    clause = agreement(
        {"id": "not-oslo", "kind": "exclusivity", "provider": "south", "of": {"region": "oslo"}}, party="self"
    )
    reaches, stays = [
        [deployment("north-m", "north-api", "http://b.example", regions=["dublin", region])]
        for region in ("oslo", "boston")
    ]
    assert verdicts(ask(policy(clause, deployments=reaches))) == {"north-m": ("deny", "not-oslo")}
    with pytest.raises(CaseError, match="no offer has `region: oslo`"):
        policy(clause, deployments=stays)


READINGS = {"letter": {"of": {"api": "stateless"}}, "spirit": {}}


@pytest.mark.parametrize(("reading", "decision"), [("letter", "permit"), ("spirit", "deny")])
def test_exclusivity_under_its_readings(reading: str, decision: str) -> None:
    disputed = {**ONLY, "readings": READINGS}
    given = policy(
        agreement(disputed), workloads=[work(labels={"api": "stateful"}), work("b", labels={"api": "stateless"})],
        reading=reading,
    )  # fmt: skip
    assert verdicts(ask(given))["south-m"][0] == decision
    assert verdicts(ask(given, workload="b"))["south-m"][0] == "deny"


def test_an_amendment_holds_from_its_day_on() -> None:
    amended: Data = {"id": "second", "amends": "north-deal", "effective": "2026-04-01", "removes": ["only"]}
    given = policy(agreement(ONLY), agreement(STAYS, **amended))
    before, on = day("2026-04-01") - timedelta(microseconds=1), day("2026-04-01")
    assert verdicts(ask(given, at=before))["south-m"] == ("deny", "only")
    assert verdicts(ask(given, at=on))["south-m"] == ("deny", "stays")
    assert verdicts(ask(given, at=day("2026-07-01")))["south-m"] == ("permit", "")  # all has ended


# -- facts ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "on", "fine"),
    [
        ({"price": {"2026-03-10": {"input": "1 USD per Mtok", "output": "1 USD per Mtok"}}}, "2026-03-09", False),
        ({"price": {"2026-03-10": {"input": "1 USD per Mtok", "output": "1 USD per Mtok"}}}, "2026-03-10", True),
        ({"from": "2026-03-10"}, "2026-03-09", False),
        ({"from": "2026-03-10"}, "2026-03-10", True),
        ({"until": "2026-03-10"}, "2026-03-09", True),
        ({"until": "2026-03-10"}, "2026-03-10", False),
    ],
)
def test_an_offer_without_a_price_or_out_of_its_time_is_denied(more: Data, on: str, fine: bool) -> None:
    given = policy(offers=[tokens("south", 2) | more, tokens("north", 3)])
    decision, clause = verdicts(ask(given, at=day(on)))["south-m"]
    assert (decision, clause) == (("permit", "") if fine else ("deny", "south-api"))


def test_what_a_deployment_cannot_do_is_denied_by_name() -> None:
    there = [
        deployment("plain", "south-api", "http://a.example", lacks=["tools", "images"]),
        deployment("full", "north-api", "http://b.example", serves=["chat", "embeddings"]),
    ]
    given = policy(deployments=there)
    for needs, lacking in ((["tools"], "tools"), (["tools", "images", "seed"], "images or tools"), (["seed"], None)):
        found = ask(given, needs=frozenset(needs))
        assert [c.deployed.id for c in found.permitted] == (["full"] if lacking else ["plain", "full"])
        if lacking:
            assert found.denied[0].verdict.reason is not None
            assert found.denied[0].verdict.reason.sentence == f"plain cannot do {lacking}"
    assert [c.deployed.id for c in ask(given, operation="embeddings").permitted] == ["full"]
    assert [(c.deployed.id, c.without) for c in ask(given, operation="responses").permitted] == [
        ("plain", 2),
        ("full", 2),
    ]
    assert [c.deployed.id for c in ask(given, operation="responses", pinned="plain").permitted] == []
    wishes = frozenset({"images"})
    assert [(c.deployed.id, c.without) for c in ask(given, wishes=wishes).permitted] == [("plain", 1), ("full", 0)]
    assert [c.deployed.id for c in ask(given, pinned="plain").permitted] == ["plain"]
    assert [c.deployed.id for c in ask(given, pinned="gone").permitted] == []


def test_a_model_that_the_workload_does_not_run_on_is_denied_and_an_unknown_one_has_no_candidates() -> None:
    given = policy(
        offers=[tokens("south", 2), tokens("north", 3, model="large")],
        workloads=[work(), work("other", **{"runs-on": {"models": ["large"]}})],
    )
    assert verdicts(ask(given, "m")) == {"south-m": ("permit", "")}
    assert verdicts(ask(given, "large")) == {"north-m": ("deny", "chat")}
    assert ask(given, "none").candidates == ()
    assert verdicts(ask(given, "chat")) == {"south-m": ("permit", "")}  # its own id: any model that it runs on


def test_capacity_of_a_kind_that_the_workload_does_not_take_is_denied() -> None:
    cluster = deployment("cluster", "north-gpus", "http://c.example", model="m")
    for accelerators, spot, fine in (({}, False, False), ({"H100": "1 Mtok per GPU-hour"}, False, True),
                                     ({"H100": "1 Mtok per GPU-hour"}, True, False)):  # fmt: skip
        given = policy(
            offers=[gpus("north", 2, **({"buy": "spot"} if spot else {})), gpus("south", 3), tokens("south", 2)],
            workloads=[
                work() | {"runs-on": {"models": ["m"], "accelerators": accelerators}},
                compute("research", interruptible=True),
            ],
            deployments=[cluster],
        )
        assert bool(ask(given).permitted) is fine


# -- laws -------------------------------------------------------------------------------------------------------------
@st.composite
def live(draw: Any) -> tuple[Policy, list[Request], datetime]:
    """A random case with deployments in one or several regions, requests with some labels unknown, and a moment."""
    world = spread(draw, draw(worlds(kinds=["exclusivity", "residency", "share", *ALL_KINDS], need="exclusivity")))
    try:
        case = Case.of(world)
    except CaseError:
        assume(False)
        raise
    at = draw(st.datetimes(datetime(2025, 12, 30), datetime(2026, 4, 2))).replace(tzinfo=AT.tzinfo)
    at = draw(st.sampled_from([at, day("2026-01-11"), day("2026-02-15") - timedelta(microseconds=1)]))
    requests = []
    given = Policy.of(case)
    for workload in given.workloads.values():
        known = {k: v for k, v in workload.labels.items() if draw(st.booleans())}
        requests.append(Request(workload.id, workload.kind, tuple(known.items()), "m"))
    return given, requests, at


some = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@some
@given(live())
def test_nobody_is_permitted_whom_a_clause_in_force_denies_anywhere(
    world: tuple[Policy, list[Request], datetime],
) -> None:
    given, requests, at = world
    case = given.case
    for request in requests:
        for candidate in admit(given, request, at).permitted:
            own = candidate.deployed.deployment
            offer = candidate.deployed.offer
            countries = {r: d.country for r, d in case.providers[offer.provider].regions.items()}
            for region in own.regions or (offer.region,):
                facts = {**case.offer_facts[offer.id]} | {"region": region, "country": countries[region], "model": "m"}
                for term in case.terms:
                    if term.validity.start <= at < term.validity.end:
                        assert term.judge(request.facts, facts).permission in ("permit", "prefer"), (term, facts)


@some
@given(live())
def test_what_is_denied_while_a_label_is_unknown_is_denied_whatever_it_is(
    world: tuple[Policy, list[Request], datetime],
) -> None:
    given, requests, at = world
    for request in requests:
        before = admit(given, request, at)
        for label, values in given.labels.items():
            if label in dict(request.labels):
                continue
            for value in values:
                after = admit(given, request._replace(labels=(*request.labels, (label, value))), at)
                for a, b in zip(before.candidates, after.candidates, strict=True):
                    if a.verdict.permission == "deny":
                        assert b.verdict.permission == "deny"
                    elif a.permitted:
                        assert b.permitted, "permitted while unknown is permitted whatever it is"


@some
@given(live())
def test_every_denial_cites_what_denies(world: tuple[Policy, list[Request], datetime]) -> None:
    given, requests, at = world
    known = {t.id for t in given.terms} | set(given.workloads)
    known |= {d.id for d in given.deployed} | {d.offer.id for d in given.deployed}
    for request in requests:
        found = admit(given, request, at)
        assert set(found.denied_by) <= known
        assert {c.deployed.id for c in found.permitted}.isdisjoint(d.deployment for d in found.denials)
        assert len(found.permitted) + len(found.denials) == len(found.candidates)
