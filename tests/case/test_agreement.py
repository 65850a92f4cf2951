"""Agreements: which term is in force when, amendments applied, and under which reading."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.agreement import Agreement, cycle, in_force, lineage, root
from detente.case.case import Case
from detente.case.notes import notes
from detente.contract.reach.verdict import applicable, verdict
from detente.errors import CaseError
from detente.values.period import LAST, day, moment
from tests import builders
from tests.builders import Data, build, tokens, work


def cap(name: str, **more: Any) -> Data:
    return {"id": name, "kind": "spending-cap", "amount": "1 USD", **more}


def agreement(name: str, effective: str = "2026-01-01", *terms: Data, **more: Any) -> Agreement:
    return Agreement.model_validate({"id": name, "with": "azure", "effective": effective, "terms": list(terms), **more})


def standing(*agreements: Agreement, **events: str | None) -> dict[str, list[tuple[str, str, str]]]:
    """Of each term: which agreement, from, until."""
    when = {name: moment(day(on)) if on else None for name, on in events.items()}
    found: dict[str, list[tuple[str, str, str]]] = {}
    for one in in_force(agreements, when):
        dates = (f"{one.validity.start:%Y-%m-%d}", f"{one.validity.end:%Y-%m-%d}")
        found.setdefault(one.term.id, []).append((one.validity.agreement, *dates))
    return {name: sorted(where) for name, where in found.items()}


FOREVER = str(LAST)


def test_a_term_is_in_force_while_its_agreement_is() -> None:
    a = agreement(
        "a", "2026-01-01", cap("x"), cap("y", **{"from": "2026-03-01"}, until="2026-04-01"), ends="2027-01-01"
    )
    assert standing(a) == {"x": [("a", "2026-01-01", "2027-01-01")], "y": [("a", "2026-03-01", "2026-04-01")]}
    early = agreement("a", "2026-01-01", cap("x", **{"from": "2025-01-01"}, until="2030-01-01"), ends="2027-01-01")
    assert standing(early) == {"x": [("a", "2026-01-01", "2027-01-01")]}
    assert standing(agreement("a", "2026-01-01", cap("x", until="2026-01-01"))) == {}


def test_an_event_ends_a_term_and_one_that_is_not_expected_does_not() -> None:
    a = agreement(
        "a", "2026-01-01", cap("x", until={"event": "agi", "latest": "2032-12-31"}), cap("y", until={"event": "agi"})
    )
    assert standing(a, agi=None) == {"x": [("a", "2026-01-01", "2032-12-31")], "y": [("a", "2026-01-01", FOREVER)]}
    assert standing(a, agi="2027-05-01")["x"] == [("a", "2026-01-01", "2027-05-01")]
    assert standing(a, agi="2040-01-01")["x"] == [("a", "2026-01-01", "2032-12-31")]
    assert standing(a, agi="2025-01-01") == {}


def test_an_amendment_replaces_adds_and_removes_from_its_day() -> None:
    a = agreement("a", "2026-01-01", cap("x"), cap("y"), cap("z"), ends="2028-01-01")
    b = agreement("b", "2027-01-01", cap("x"), cap("w"), amends="a", removes=["y"])
    assert standing(a, b) == {
        "x": [("a", "2026-01-01", "2027-01-01"), ("b", "2027-01-01", "2028-01-01")],
        "y": [("a", "2026-01-01", "2027-01-01")],
        "z": [("a", "2026-01-01", "2028-01-01")],
        "w": [("b", "2027-01-01", "2028-01-01")],
    }
    assert standing(b, a) == standing(a, b)


def test_an_amendment_on_the_first_day_replaces_from_the_first_day_in_any_order_of_files() -> None:
    a, b = agreement("a", "2026-01-01", cap("x")), agreement("b", "2026-01-01", cap("x"), amends="a")
    assert standing(a, b) == standing(b, a) == {"x": [("b", "2026-01-01", FOREVER)]}


def test_an_amendment_that_names_its_end_ends_then() -> None:
    a = agreement("a", "2026-01-01", cap("x"), ends="2028-01-01")
    b = agreement("b", "2027-01-01", cap("x"), amends="a", ends="2030-01-01")
    assert standing(a, b)["x"][1] == ("b", "2027-01-01", "2030-01-01")


def test_a_chain_and_a_fan_of_amendments_are_one_text() -> None:
    a = agreement("a", "2026-01-01", cap("x"))
    b = agreement("b", "2027-01-01", cap("x"), cap("y"), amends="a")
    chain = agreement("c", "2028-01-01", cap("x"), amends="b", removes=["y"])
    fan = agreement("c", "2028-01-01", cap("x"), amends="a", removes=["y"])
    for c in (chain, fan):
        assert standing(a, b, c) == {
            "x": [("a", "2026-01-01", "2027-01-01"), ("b", "2027-01-01", "2028-01-01"), ("c", "2028-01-01", FOREVER)],
            "y": [("b", "2027-01-01", "2028-01-01")],
        }
    known = {one.id: one for one in (a, b, chain)}
    assert [one.id for one in lineage(chain, known)] == ["c", "b", "a"]
    assert root(chain, known) == "a"


def test_an_agreement_leaves_others_alone() -> None:
    a, b = agreement("a", "2026-01-01", cap("x")), agreement("b", "2027-01-01", cap("x"))
    assert [end for _, _, end in standing(a, b)["x"]] == [FOREVER, FOREVER]


@given(
    days=st.lists(st.dates(date(2026, 1, 1), date(2030, 1, 1)), min_size=1, max_size=5).map(sorted),
    parents=st.lists(st.integers(0, 4), min_size=5, max_size=5),
    order=st.randoms(use_true_random=False),
)
@settings(derandomize=True, max_examples=100, deadline=None)
def test_at_most_one_text_of_a_term_is_in_force_at_a_time(days: list[date], parents: list[int], order: Any) -> None:
    agreements = [
        agreement(f"a{n}", str(on), cap("x"), **({"amends": f"a{parents[n] % n}"} if n else {}))
        for n, on in enumerate(days)
    ]
    order.shuffle(agreements)
    validities = sorted((f.validity.start, f.validity.end) for f in in_force(agreements, {}))
    distinct = len(set(days)) == len(days)
    if distinct:
        assert validities[0][0] == moment(days[0])
        assert all(a_end == b_start for (_, a_end), (b_start, _) in pairwise(validities))
    assert validities[-1][1] == moment(LAST)


def test_circles() -> None:
    a, b, c = (agreement(n, amends=m) for n, m in (("a", "b"), ("b", "c"), ("c", "a")))
    assert cycle([a, b, c]) == ["a", "b", "c"]
    assert cycle([agreement("a", amends="a")]) == ["a"]
    assert cycle([agreement("x", amends="a"), a, b, agreement("c")]) == []
    assert root(a, {"a": a, "b": b, "c": c})


def test_what_is_refused() -> None:
    for more in ({"ends": "2026-01-01"}, {"ends": "2025-01-01"}, {"removes": ["x"]}):
        with pytest.raises(ValueError, match=r"move one|write `amends:`"):
            agreement("a", "2026-01-01", **more)


# -- readings and events in a case -----------------------------------------------------------------------------------
def case(*agreements: Data, **more: Any) -> Case:
    return Case.of(
        {
            "name": "readings",
            "horizon": {"start": "2026-01-01", "end": "2026-07-01"},
            "providers": [
                {"id": "azure", "name": "Azure", "regions": {"eastus": {"country": "US"}}},
                {"id": "aws", "name": "AWS", "regions": {"us-east-1": {"country": "US"}}},
            ],
            "offers": [
                {
                    "id": p,
                    "kind": "gpu",
                    "provider": p,
                    "region": r,
                    "accelerator": "H100",
                    "price": "2 USD per GPU-hour",
                }
                for p, r in (("azure", "eastus"), ("aws", "us-east-1"))
            ],
            "workloads": [
                {
                    "id": name,
                    "kind": "inference",
                    "labels": {"api": name},
                    "demand": "5 GPU",
                    "runs-on": {"accelerators": {"H100": 1}},
                    **({"survives": "50%"} if name == "stateful" else {}),
                }
                for name in ("stateless", "stateful")
            ],
            "agreements": list(agreements),
            **more,
        }
    )


DISPUTED: Data = {
    "id": "az",
    "with": "azure",
    "effective": "2026-01-01",
    "terms": [
        {
            "id": "only",
            "kind": "exclusivity",
            "readings": {"letter": {"of": {"api": "stateless"}}, "spirit": {"of": {"api": ["stateless", "stateful"]}}},
            "until": {"event": "agi"},
        },
        cap("cap", amount="1 M USD", windows={"every": "month"}),
    ],
}


def test_a_clause_that_its_event_ends_before_it_begins_names_the_event() -> None:
    with pytest.raises(CaseError) as caught:
        case(DISPUTED, events={"agi": "2024-05"})
    (only,) = caught.value.mistakes
    assert only.remedy == "check its dates, and those of its agreement, and of its event `agi`, 2024-05-01"


def decision(found: Case, workload: str, offer: str, at: str = "2026-02-01") -> str:
    workloads, offers = {w.id: w for w in found.workloads}, {o.id: o for o in found.offers}
    return found.verdict(workloads[workload], offers[offer], moment(day(at)), moment(day(at[:8] + "02"))).permission


def test_a_reading_is_chosen_and_never_guessed() -> None:
    found = case(DISPUTED, events={"agi": "not expected"})
    assert found.readings == ("letter", "spirit")
    with pytest.raises(CaseError, match="`only` has several readings and none is chosen\n    choose one, here or by"):
        _ = found.terms
    with pytest.raises(CaseError, match="did you mean `letter`"):
        found.under(reading="leter")
    assert decision(found.under("letter"), "stateful", "aws") == "permit"
    assert decision(found.under("spirit"), "stateful", "aws") == "deny"
    assert decision(found.under("spirit"), "stateful", "azure") == "permit"
    assert [t.id for t in found.under(without=["only"]).terms] == ["cap", "stateful.survives"]
    assert case(DISPUTED, events={"agi": "not expected"}, reading="letter").reading == "letter"


def test_scenarios_move_events_choose_readings_and_drop_clauses() -> None:
    found = case(
        DISPUTED,
        events={"agi": "not expected"},
        scenarios=[
            {"id": "soon", "events": {"agi": {"value": "2026-03-01", "source": "a guess"}}, "reading": "spirit"},
            {"id": "free", "without": ["only", "stateful.survives"]},
        ],
    )
    soon = found.under(scenario="soon")
    assert decision(soon, "stateful", "aws", "2026-02-01") == "deny"
    assert decision(soon, "stateful", "aws", "2026-03-01") == "permit"
    assert soon.term("only").validity.end == moment(date(2026, 3, 1))  # type: ignore[union-attr]
    assert [t.id for t in found.under(scenario="free").terms] == ["cap"]
    assert found.under("letter", "soon").reading == "letter"
    with pytest.raises(CaseError, match="there is no `son`"):
        found.under(scenario="son")
    assert len({found.hash, found.under("letter").hash, found.under("spirit").hash, soon.hash}) == 4


def test_an_unknown_label_is_undecided_and_a_denial_wins() -> None:
    found = case(DISPUTED, events={"agi": "not expected"}, reading="letter")
    terms, unlabelled = applicable(found.terms, moment(date(2026, 2, 1))), {"workload": "x", "kind": "inference"}
    assert verdict(terms, unlabelled, [found.offer_facts["aws"]]).permission == "undecided"
    assert verdict(terms, unlabelled, [found.offer_facts["azure"]]).permission == "permit"


def test_survival_is_a_clause_of_ones_own() -> None:
    term = case().term("stateful.survives")
    assert term is not None
    assert (term.validity.counterparty, term.validity.agreement) == ("self", "survival")
    taken = {
        "id": "own",
        "with": "self",
        "effective": "2026-01-01",
        "terms": [cap("stateful.survives", windows={"every": "month"})],
    }
    with pytest.raises(CaseError, match="is what `survives:` of the workload `stateful` is called"):
        case(taken)


def test_a_clause_may_turn_on_a_label_that_only_some_workloads_have_where_another_key_settles_the_rest() -> None:
    only = {"id": "own", "with": "self", "effective": "2026-01-01"}
    scope = {"workload": "stateless", "api": "stateless"}
    terms = [{"id": "e", "kind": "exclusivity", "provider": "aws", "of": scope}]
    found = case({**only, "terms": terms})
    assert decision(found, "stateful", "azure") == "permit"


def test_readings_that_clash_in_any_combination_are_refused() -> None:
    def discount(name: str, letter: str, spirit: str) -> Data:
        return {
            "id": name,
            "kind": "discount",
            "off": "60%",
            "readings": {
                "letter": {"of": {"offer": letter, "provider": letter}},
                "spirit": {"of": {"offer": spirit, "provider": spirit}},
            },
        }

    ours = {"id": "own", "with": "aws", "effective": "2026-01-01", "combine": "sum"}
    assert len(case({**ours, "terms": [discount("a", "aws", "aws"), discount("b", "azure", "azure")]}).readings) == 4
    for spirit in ("aws", "azure"):  # each clause has a reading of its own: `a` may be read to the letter, and `b` not
        with pytest.raises(CaseError, match="`a` and `b` together give more than 100%"):
            case({**ours, "terms": [discount("a", "aws", "azure"), discount("b", "azure", spirit)]})


def test_an_end_on_the_last_day_of_a_month_is_noted() -> None:
    """A contract that ends on 31 December may count that day in; here it is out."""
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "9 k USD"}
    named = builders.agreement(cap | {"until": "2026-02-28"}, ends="2026-04-30")
    case = build([tokens("north", 3)], [work()], named)
    assert [(note.what, note.remedy) for note in notes(case)] == [
        ("`north-deal` ends on 2026-04-30, the last day of a month, and is no longer in force on it",
         "if that is its last day, write 2026-05-01"),
        ("`cap` ends on 2026-02-28, the last day of a month, and is no longer in force on it",
         "if that is its last day, write 2026-03-01"),
    ]  # fmt: skip
    assert notes(build([tokens("north", 3)], [work()], builders.agreement(cap | {"until": "2026-03-01"}))) == ()


def test_a_milestone_on_the_last_day_of_a_month_is_noted() -> None:
    steps = [{"by": day, "reach": "1 USD", "fee": "10%"} for day in ("2026-02-28", "2026-03-30", "2026-04-01")]
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "9 USD", "milestones": steps}
    (note,) = notes(build([tokens("north", 3)], [work()], builders.agreement(floor)))
    assert (note.what, note.remedy) == (
        "`floor` has a milestone by 2026-02-28, the last day of a month, and use of it does not count for it",
        "if use of that day counts, write 2026-03-01",
    )
