"""First ship, first refusal and permitted use, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from detente.case.agenda import agenda
from detente.case.case import Case
from tests.builders import D, Data, agreement, build, by_period, data_of, day, mistakes, refused, solved, tokens, work


def data(kind: str, agents: Any = False, **more: Any) -> Data:
    found = [work(labels={"api": "chat"}), *([work("agents", labels={"api": "agents"})] if agents else [])]
    return data_of([tokens("north", 3), tokens("south", 2)], found, agreement({"id": "first", "kind": kind} | more))


def case(kind: str, **more: Any) -> Case:
    return Case.of(data(kind, **more))


def at_south(found: Any) -> list[Any]:
    return by_period(found, "south-api")


def said(found: Case, on: str, offer: str = "south-api") -> str:
    workload, sold = found.workloads[0], next(o for o in found.offers if o.id == offer)
    verdict = found.verdict(workload, sold, day(on))
    return f"{verdict.permission}: {verdict.reason.sentence}" if verdict.reason else verdict.permission


# -- first ship -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("release", "more", "south"),
    [
        ({"shipped": "2025-06-01"}, {}, [1, 1, 1, 1, 1, 1]),
        ({"shipped": "2026-03-01"}, {}, [0, 0, 1, 1, 1, 1]),
        ({"shipped": "2026-03-01"}, {"ahead": "2 months"}, [0, 0, 0, 0, 1, 1]),
        # the right holds for a part of March, and so for all of it (decision 0009)
        ({"shipped": "2026-03-15"}, {}, [0, 0, 0, 1, 1, 1]),
        ({"answer": "cannot", "answered": "2026-02-01"}, {"ahead": "2 months"}, [0, 1, 1, 1, 1, 1]),
        ({"answer": "will-not", "answered": "2026-04-01", "offered": "2026-01-01"}, {}, [0, 0, 0, 1, 1, 1]),
        ({"offered": "2025-12-31"}, {"silence": "1 month"}, [0, 1, 1, 1, 1, 1]),
        ({"offered": "2026-01-01"}, {"silence": "1 month"}, [0, 0, 1, 1, 1, 1]),  # 1 February is a day to answer
        ({"offered": "2026-01-01"}, {}, [0, 0, 0, 0, 0, 0]),
        ({"offered": "2026-01-01", "answer": "will", "answered": "2026-01-05"}, {"silence": "1 month"}, [0] * 6),
    ],
)
def test_first_there_or_it_cannot_or_will_not(release: Data, more: Data, south: list[int]) -> None:
    found = solved(case("first-ship", releases=[{"of": {"api": "chat"}} | release], **more))
    assert at_south(found) == [1000 * each for each in south]
    assert found.cost == sum(1000 * (2 if each else 3) for each in south)


def test_what_nobody_has_stated_is_not_permitted() -> None:
    found = case("first-ship")
    assert at_south(solved(found)) == [0] * 6
    assert said(found, "2026-01-01").startswith("undecided: whether it was on north first, or north cannot or will not")
    assert said(found, "2026-01-01", "north-api") == "permit"


def test_a_waiver_for_a_place_is_for_that_place_alone() -> None:
    release = {"of": {"country": "US"}, "answer": "cannot", "answered": "2026-01-01"}
    offers = [tokens("north", 3), tokens("south", 2), tokens("east", 1)]
    found = solved(build(offers, [work()], agreement({"id": "first", "kind": "first-ship", "releases": [release]})))
    assert at_south(found) == [1000] * 6  # East is in Germany, and cheaper


def test_it_says_since_when() -> None:
    found = case("first-ship", ahead="1 month", releases=[{"of": {"api": "chat"}, "shipped": "2026-03-01"}])
    assert said(found, "2026-02-01") == (
        "deny: north comes first: it ships there on 2026-03-01 and is there alone for 1 month; "
        "it is free from 2026-04-01 on"
    )
    assert said(found, "2026-04-01") == "permit"
    assert [version.validity.start for version in found.signed] == [day("2026-01-01"), day("2026-04-01")]


def test_only_what_it_covers() -> None:
    found = solved(case("first-ship", agents=True, of={"api": "agents"}))
    assert at_south(found) == [1000] * 6


@pytest.mark.parametrize(
    ("release", "what"),
    [
        ({}, "says nothing of what became of it"),
        ({"answer": "cannot"}, "an answer has a day, and a day an answer"),
        ({"answer": "will", "offered": "2026-02-01", "answered": "2026-01-01"}, "was answered on 2026-01-01, before"),
        ({"shipped": "2026-02-01", "of": {"workload": "chap"}}, "no workload has `workload: chap`"),
    ],
)
def test_a_release_tells_one_story(release: Data, what: str) -> None:
    (only,) = mistakes(data("first-ship", releases=[{"of": {"workload": "chat"}} | release]))
    assert only.startswith(what)


# -- first refusal ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("notice", "more", "south"),
    [
        ({"noticed": "2026-01-02", "answer": "declined", "answered": "2026-02-01"}, {}, [0, 1, 1, 1, 1, 1]),
        ({"noticed": "2026-01-02", "answer": "matched", "answered": "2026-02-01"}, {}, [0] * 6),
        # told on 1 January, and silent through the 31st, the thirtieth day after it: free from 1 February on
        ({}, {}, [0, 1, 1, 1, 1, 1]),
        # free for two months, then to be noticed again; or signed in time, and free for good
        ({}, {"sign-within": "2 months"}, [0, 1, 1, 0, 0, 0]),
        ({"signed": "2026-03-31"}, {"sign-within": "2 months"}, [0, 1, 1, 1, 1, 1]),
        ({"signed": "2026-04-01"}, {"sign-within": "2 months"}, [0, 1, 1, 0, 0, 0]),
    ],
)
def test_matched_declined_or_silent(notice: Data, more: Data, south: list[int]) -> None:
    told = {"of": {"provider": "south"}, "noticed": "2026-01-01"} | notice
    found = solved(case("first-refusal", **{"answer-within": "30 days", "notices": [told]} | more))
    assert at_south(found) == [1000 * each for each in south]


def test_who_was_not_told_could_not_refuse() -> None:
    found = case("first-refusal", **{"answer-within": "30 days"})
    assert said(found, "2026-01-01").startswith("undecided: whether north has been told of it is not known; state it")
    lapsed = {"of": {"provider": "south"}, "noticed": "2026-01-01"}
    found = case("first-refusal", **{"answer-within": "30 days", "sign-within": "1 month", "notices": [lapsed]})
    assert said(found, "2026-03-01").endswith("has 30 days to answer; it was free from 2026-02-01 to 2026-02-28")


@pytest.mark.parametrize(
    ("signed", "lines"),
    [
        ({}, [("2026-03-31", None)]),
        ({"signed": "2026-03-31"}, [("2026-03-31", "2026-03-31")]),
        ({"signed": "2026-04-02"}, [("2026-03-31", "2026-04-02"), ("2026-04-02", None)]),
    ],
)
def test_the_last_day_to_sign_and_what_was_signed_after_it(signed: Data, lines: list[Any]) -> None:
    """Declined on 1 February, and free for two months."""
    told = {"of": {"provider": "south"}, "noticed": "2026-01-02", "answer": "declined", "answered": "2026-02-01"}
    found = case("first-refusal", **{"answer-within": "30 days", "sign-within": "2 months", "notices": [told | signed]})
    days = [line for line in agenda(found, date(2026, 1, 1), date(2027, 1, 1)) if line.role == "notice"]
    assert [(str(line.on), line.done and str(line.done)) for line in days] == lines
    late = "signed too late, on 2026-04-02; it was free from 2026-02-01 to 2026-03-31"
    assert (late in said(found, "2026-05-01")) == (len(lines) == 2)


def test_what_is_signed_too_early_is_said() -> None:
    told = {"of": {"provider": "south"}, "noticed": "2026-01-01", "signed": "2026-01-20"}
    assert mistakes(data("first-refusal", **{"answer-within": "30 days", "notices": [told]})) == [
        "`first`: signed on 2026-01-20, and it is free from 2026-02-01 on; "
        "correct the days: what is signed before breaches the right"
    ]
    early = told | {"noticed": "2026-02-02"}
    (only,) = mistakes(data("first-refusal", **{"answer-within": "30 days", "notices": [early]}))
    assert only.startswith("notice, answer and signature are out of order")


@pytest.mark.parametrize(
    ("kind", "clause", "last"),
    [
        ("first-refusal", {"answer-within": "30 days", "notices": [{"noticed": "2026-01-02", "answer": "matched"}]}, 1),
        (
            "first-refusal",
            {"answer-within": "30 days", "notices": [{"noticed": "2026-01-02", "answer": "declined"}]},
            1,
        ),
        ("first-ship", {"silence": "30 days", "releases": [{"offered": "2026-01-02", "answer": "will"}]}, 1),
    ],
)
def test_an_answer_after_silence_is_a_mistake(kind: str, clause: Data, last: int) -> None:
    """Asked on 2 January, with 30 days to answer: on 1 February it may still, on the 2nd silence has answered."""
    key = "notices" if kind == "first-refusal" else "releases"
    of = {"of": {"provider": "south"}} if key == "notices" else {"of": {"workload": "chat"}}

    def answered(on: str) -> list[str]:
        return mistakes(data(kind, **clause | {key: [clause[key][0] | of | {"answered": on}]}))

    assert answered(f"2026-02-0{last}") == []
    assert answered(f"2026-02-0{last + 1}") == [
        "`first`: was answered on 2026-02-02, and the last day for it was 2026-02-01: silence had answered; "
        "leave the answer out, or correct the days: an answer that is late changes nothing"
    ]


@pytest.mark.parametrize(
    ("kind", "clause"),
    [
        ("first-refusal", {"answer-within": "30 days", "notices": [{"of": {"api": "chat"}, "noticed": "2026-01-02"}]}),
        ("first-ship", {"silence": "30 days", "releases": [{"of": {"api": "chat"}, "offered": "2026-01-02"}]}),
    ],
)
def test_no_day_is_both_one_to_answer_and_one_of_silence(kind: str, clause: Data) -> None:
    """Asked on 2 January: the thirtieth day after it is 1 February, on which a match is in time (see above)."""
    found = case(kind, **clause)
    assert said(found, "2026-02-01").endswith("has 30 days to answer; it is free from 2026-02-02 on")
    assert said(found, "2026-02-02") == "permit"


# -- permitted use ----------------------------------------------------------------------------------------------------
def test_a_person_decides_and_until_then_nothing_runs() -> None:
    asks = {"asks": "is it a rival product?"}
    assert said(case("permitted-use", **asks), "2026-01-01") == "undecided: a person decides: is it a rival product?"
    refused(case("permitted-use", **asks))
    yes = {"decided": [{"allowed": True, "by": "counsel"}]}
    assert solved(case("permitted-use", **asks | yes)).cost == D(12_000)
    # the first that speaks of it holds: not at South, elsewhere yes
    both = {"decided": [{"of": {"provider": "south"}, "allowed": False, "by": "counsel"}, *yes["decided"]]}
    found = case("permitted-use", **asks | both)
    assert solved(found).cost == D(18_000)
    assert said(found, "2026-01-01") == "deny: counsel decided that it may not"


@pytest.mark.parametrize("kind", ["first-ship", "first-refusal"])
def test_a_right_of_nobody(kind: str) -> None:
    clause = {"id": "first", "kind": kind} | ({"answer-within": "1 month"} if kind == "first-refusal" else {})
    found = mistakes(data_of([tokens("north", 3)], [work()], agreement(clause, party="self")))
    assert found == ["a first right is a provider's; add `provider: …`"]


@pytest.mark.parametrize(
    ("kind", "clause", "told"),
    [
        (
            "first-ship",
            {"releases": [{"of": {"api": "chat"}, "offered": "2026-02-01"}]},
            "it was asked on 2026-02-01, and no answer is stated; ask for it, and write `answer`, or `shipped` once it "
            "is there",
        ),
        (
            "first-ship",
            {"releases": [{"of": {"api": "chat"}, "answer": "will", "answered": "2026-02-01"}]},
            "it says on 2026-02-01 that it will support it; `shipped` is not stated",
        ),
        (
            "first-refusal",
            {
                "answer-within": "30 days",
                "sign-within": "1 month",
                "notices": [
                    {"of": {"api": "chat"}, "noticed": "2026-04-01", "answer": "declined", "answered": "2026-04-10"}
                ],
            },
            "it was told on 2026-04-01, and has 30 days to answer; it is free from 2026-04-10 to 2026-05-09",
        ),
        (
            "first-refusal",
            {
                "right": "offer",
                "answer-within": "30 days",
                "notices": [
                    {"of": {"api": "chat"}, "noticed": "2026-01-01", "answer": "matched", "answered": "2026-01-10"}
                ],
            },
            "it made an offer on 2026-01-10",
        ),
    ],
)
def test_what_is_not_free_says_what_is_known_and_what_is_not(kind: str, clause: Data, told: str) -> None:
    assert said(case(kind, **clause), "2026-03-01") == f"deny: north comes first: {told}"


@pytest.mark.parametrize(
    ("kind", "more"), [("first-ship", {}), ("first-refusal", {"answer-within": "30 days"}), ("exclusivity", {})]
)
def test_work_that_is_let_out_is_enough(kind: str, more: Data) -> None:
    (term,) = case(kind, **more).terms
    said = term.concede("denied", Fraction(12_341), "Mtok", "USD")
    assert said.startswith("let 12.4 k Mtok of ")  # 12.3 k would be 41 too few
