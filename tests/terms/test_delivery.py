"""Delivery in tranches, delay credits and warrants, by hand. North 1 USD per GPU-hour, South 2; work for 10 GPUs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from detente.case.case import Case
from detente.terms.warrants import Warrants
from detente.values.money import shown
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    placed,
    postings,
    settled_of,
    solved,
    standing,
    use,
)

ONE = {"name": "phase one", "quantity": "4 GPU", "due": "2026-01-01", "accepted": "2026-01-01"}
TWO = {"name": "phase two", "quantity": "6 GPU", "due": "2026-02-01", "worth": "1 M USD"}


def clause(*tranches: Data, **more: Any) -> Data:
    return {"id": "phases", "kind": "delivery", "offer": "north-gpus", "tranches": list(tranches)} | more


def case(*tranches: Data, months: int = 3, **more: Any) -> Case:
    offers = [gpus("north", 1), gpus("south", 2)]
    return build(offers, [compute()], agreement(clause(*tranches, **more)), months=months)


@pytest.mark.parametrize(
    ("second", "hours"),
    [
        # January 744 hours, February 672, March 744
        ({}, 4 * 744 + 10 * 672 + 10 * 744),
        ({"accepted": "2026-03-01"}, 4 * 744 + 4 * 672 + 10 * 744),
        ({"expected": "2026-03-01"}, 4 * 744 + 4 * 672 + 10 * 744),
        ({"expected": "2026-01-01"}, 10 * 744 + 10 * 672 + 10 * 744),  # before it is due
        # half of February: 4 all the time and 6 for 14 days are 7 GPUs on average
        ({"accepted": "2026-02-15"}, 4 * 744 + 7 * 672 + 10 * 744),
    ],
)
def test_no_more_is_taken_than_was_delivered(second: Data, hours: int) -> None:
    assert placed(solved(case(ONE, TWO | second)))["north-gpus"] == D(hours)


def test_silence_accepts_what_was_offered() -> None:
    """Offered on 8 February, refusable through the 18th, accepted on the 19th: 18 days late, a week in grace."""
    late = TWO | {"offered": "2026-02-08"}
    credit = {"per-day": "1%", "at-most": "50%", "after": "7 days"}
    silence: Data = {"credit": credit, "deemed-after": "10 days"}
    found = solved(case(ONE | {"worth": "1 M USD"}, late, **silence))
    assert list(postings(found, "phases").values()) == [D(-110_000)]
    assert placed(found)["north-gpus"] == 4 * 744 + 6 * 672 + 10 * 744  # in February 6.14 on average: 6 whole ones
    (term,) = case(ONE | {"worth": "1 M USD"}, late, **silence).terms
    told = [(str(r.on), r.what) for r in term.reminds(day("2026-01-01"), day("2026-04-01")) if r.role == "notice"]
    assert told == [("2026-02-18", "the last day to refuse phase two: silence accepts it")]
    said = "`phase two` is offered, and after which silence it is accepted is not said; add `deemed-after`"
    data = data_of([gpus("north", 1)], [compute()], agreement(clause(ONE, late)), months=3)
    assert mistakes(data)[0].startswith(said)
    known = data_of(
        [gpus("north", 1)], [compute()], agreement(clause(ONE, late | {"accepted": "2026-02-10"})), months=3
    )
    assert mistakes(known) == []  # the day is there: silence says nothing


@pytest.mark.parametrize(
    ("accepted", "credit"),
    [
        ("2026-02-01", 0),
        ("2026-02-08", 0),  # within the week of grace
        ("2026-02-18", 50_000),  # ten days after it: 10 x 0.5%
        ("2026-03-20", 100_000),  # 40 days would be 20%: at most 10%
    ],
)
def test_a_day_of_delay_is_credited_once_it_is_accepted(accepted: str, credit: int) -> None:
    late: Data = {"credit": {"per-day": "0.5%", "at-most": "10%", "after": "7 days"}}
    found = case(ONE | {"worth": "1 M USD"}, TWO | {"accepted": accepted}, **late)
    assert postings(solved(found), "phases") == ({("delay-credit", 0): D(-credit)} if credit else {})


@pytest.mark.parametrize(
    ("expected", "credit"),
    [
        ("2026-02-11", 50_000),  # ten days: 10 x 0.5%
        ("2026-03-01", 100_000),  # 28 days would be 14%: at most 10%
        ("2026-04-01", 0),  # after the horizon's last day
        ("2026-01-10", 0),  # sooner than it is due
    ],
)
def test_a_plan_counts_on_the_credit_of_what_is_expected_late_and_the_books_do_not(expected: str, credit: int) -> None:
    late: Data = {"credit": {"per-day": "0.5%", "at-most": "10%"}, "long-stop": "60 days"}
    found = case(ONE | {"worth": "1 M USD"}, TWO | {"expected": expected}, **late)
    plan = solved(found)
    assert postings(plan, "phases") == ({("delay-credit", 0): D(-credit)} if credit else {})
    assert plan.cost == sum(line.cost for line in plan.allocations) - credit
    assert settled_of(found.signed, [], day("2026-12-01")).postings == ()
    (term,) = found.terms
    told = f"of what is expected late, {shown(D(credit), 'USD')} as it is accepted"
    assert (told in term.explain().sentence) == bool(credit)


def test_what_is_due_is_reminded_of() -> None:
    late: Data = {"credit": {"per-day": "0.5%", "at-most": "10%"}, "long-stop": "60 days"}
    (term,) = case(ONE | {"worth": "1 M USD"}, TWO | {"expected": "2026-03-01"}, **late).signed
    assert [(str(r.on), r.role, r.by) for r in term.reminds(day("2026-01-01"), day("2027-01-01"))] == [
        ("2026-01-01", "milestone", "north"),
        ("2026-02-01", "milestone", "north"),
        ("2026-04-02", "right", "self"),
    ]
    assert "6 GPU from 2026-03-01 on (phase two, not accepted yet, expected 28 days late)" in term.explain().sentence


def test_account_of_metered_use() -> None:
    found = case(ONE, TWO)
    line = use(found, "research", "north-gpus", "2026-01-22", "2026-02-11", 480, 1)
    assert [(s.amount, s.drawn) for s in standing(found, "phases", line).standings] == [
        (D(4 * 744), D(240)),
        (D(10 * 672), D(240)),
        (D(10 * 744), D(0)),
    ]


def test_mistakes() -> None:
    offers = [gpus("north", 1), gpus("south", 2)]
    late = {"credit": {"per-day": "1%", "at-most": "10%"}}
    assert mistakes(data_of(offers, [compute()], agreement(clause(ONE, **late)))) == [
        "delay of `phase one` is credited, and of how much is not said; add `worth`, the fee of the tranche"
    ]
    (other,) = mistakes(data_of(offers, [compute()], agreement(clause(ONE, offer="south-gpus"))))
    assert other.startswith("`south-gpus` is sold by `south`, and this agreement is with `north`")
    twice = mistakes(data_of(offers, [compute()], agreement(clause(ONE), clause(TWO) | {"id": "more"})))
    assert twice[0].startswith("`phases` and `more` both deliver `north-gpus`")


# -- warrants ---------------------------------------------------------------------------------------------------------
HURDLE = {"what": "the share stands at 600 USD", "met": False}
STEPS = [{"reach": "1000 GPU-hour", "shares": 10}, {"reach": "9000 GPU-hour", "shares": 90, "conditions": [HURDLE]}]


def warrants(**more: Any) -> Case:
    clause = {"id": "shares", "kind": "warrants", "of": {"accelerator": "H100"}, "tranches": STEPS} | more
    return build([gpus("north", 1)], [compute(demand="1 GPU")], agreement(clause), months=3)


def test_shares_vest_as_enough_is_bought_and_as_conditions_come_true() -> None:
    found = warrants()
    plan = solved(found)
    assert plan.cost == D(744 + 672 + 744)  # their worth is on no bill
    assert [(s.role, s.amount, s.drawn, s.owed) for s in plan.standings] == [
        ("warrant", 1000, 2160, 0),
        ("warrant", 9000, 2160, 0),
    ]
    term = found.signed[0]
    assert isinstance(term, Warrants)
    assert "10 shares at 1.00 k GPU-hour; 90 shares at 9.00 k GPU-hour, the share stands at 600 USD: not met" in (
        term.explain().sentence
    )


def test_a_condition_of_which_nothing_is_known_is_not_met_and_not_missed() -> None:
    unknown = [{"reach": "1000 GPU-hour", "shares": 10, "conditions": [{"what": "a technical milestone"}]}]
    term = warrants(tranches=unknown).signed[0]
    assert "10 shares at 1.00 k GPU-hour, a technical milestone: not known" in term.explain().sentence


def test_tranches_ask_for_one_thing_and_the_smaller_first() -> None:
    def said(tranches: list[Data]) -> str:
        clause = {"id": "shares", "kind": "warrants", "tranches": tranches}
        (only,) = mistakes(data_of([gpus("north", 1)], [compute()], agreement(clause)))
        return only

    assert said([*STEPS[:1], {"reach": "1 M USD", "shares": 1}]).startswith(
        "the tranches do not ask for amounts in one"
    )
    assert said(STEPS[::-1]).startswith("the tranches are out of order")


KEEP: Data = {"id": "keep", "kind": "take-or-pay", "offer": "north-gpus", "price": "5 USD per GPU-hour"}


@pytest.mark.parametrize(
    ("second", "keep", "untaken"),
    [
        # work for 2 GPUs only. 4 are there in January (744 hours), 10 from February on (672): 80% is asked of each
        ({}, {}, {0: "892.8", 1: "4032"}),
        # 20 days late: 4 GPUs for 480 hours, then 10 for 192: (1920 + 1920) x 80% - 2 x 672
        ({"accepted": "2026-02-21"}, {}, {0: "892.8", 1: "1728"}),
        # expected on that day, it is not asked for before, either
        ({"expected": "2026-02-21"}, {}, {0: "892.8", 1: "1728"}),
        # what is stated besides is not counted twice: of 10, 6 lack by both until the 21st; 7 until then by one
        (
            {"accepted": "2026-02-21"},
            {"undelivered": [{"from": "2026-02-01", "until": "2026-02-21", "quantity": "6 GPU"}]},
            {0: "892.8", 1: "1728"},
        ),
        (
            {"accepted": "2026-02-21"},
            {"undelivered": [{"from": "2026-02-01", "until": "2026-02-21", "quantity": "7 GPU"}]},
            {0: "892.8", 1: "1344"},
        ),
    ],
)
def test_what_was_not_delivered_need_not_be_taken(second: Data, keep: Data, untaken: dict[int, str]) -> None:
    deal = agreement(clause(ONE, TWO | second), KEEP | {"quantity": "10 GPU", "take": "80%"} | keep)
    found = solved(build([gpus("north", 1), gpus("south", 2)], [compute(demand="2 GPU")], deal, months=2))
    assert postings(found, "keep") == {("untaken", month): 5 * D(hours) for month, hours in untaken.items()}


def test_what_has_not_come_is_known_in_another_agreement_with_the_same_party() -> None:
    """10 GPU from February on, of which none is there in January: nothing is asked of it, whichever paper says so."""
    come, keep = clause(TWO | {"quantity": "10 GPU"}), KEEP | {"quantity": "10 GPU"}
    papers = [
        [agreement(come, keep)],
        [agreement(keep), agreement(come, id="later-paper")],
        [agreement(come), agreement(keep, id="later-paper")],
    ]
    for deals in papers:
        found = solved(build([gpus("north", 1), gpus("south", 2)], [compute(demand="2 GPU")], *deals, months=2))
        assert [s.amount for s in found.standings if s.role == "take"] == [D(0), D(10 * 672)]
        (row,) = [row for row in found.clauses if row.term == "keep"]
        assert "what `phases` has not delivered is not asked for" in row.sentence


def test_what_has_not_come_lacks_in_one_clause() -> None:
    each = [KEEP | {"id": name, "quantity": "4 GPU", "of": {"workload": name}} for name in ("research", "chat")]
    deal = agreement(clause(ONE, TWO), *each)
    (only,) = mistakes(data_of([gpus("north", 1)], [compute("research"), compute("chat")], deal, months=2))
    assert only.startswith("`chat` and `research` are of `north-gpus` at one time, and what is taken of it, or has not")


# -- amended -----------------------------------------------------------------------------------------------------------
def amended(first: Data, then: Data, *, credited: bool = True) -> Data:
    """A tranche as it was first told of, and as an amendment of 1 March tells of it; a day late is 1% of 1 M USD.

    ``credited``: by the first text, too.
    """
    late: Data = {"credit": {"per-day": "1%", "at-most": "50%"}}
    deals = [
        agreement(clause(TWO | first, **(late if credited else {})), id="deal", ends="2026-07"),
        agreement(clause(TWO | then, **late), id="later", amends="deal", effective="2026-03-01", ends="2026-07"),
    ]
    return data_of([gpus("north", 1), gpus("south", 2)], [compute()], *deals, months=6)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"expected": "2026-02-05"}, {"accepted": "2026-02-08"}),  # a plan counted on four days, the books on none
        ({}, {"accepted": "2026-02-08"}),
        ({"expected": "2026-02-05"}, {"accepted": "2026-02-05"}),
        ({"expected": "2026-02-05"}, {"expected": "2026-03-05"}),  # a plan counted on both
    ],
)
def test_a_credit_that_two_texts_tell_of_unlike_is_refused_and_the_way_out_works(first: Data, then: Data) -> None:
    ((key, on),) = then.items()
    (said,) = mistakes(amended(first, then))
    assert said.startswith(
        f"`phase two` is there from {on} on by this text, and that of `deal`, which holds until 2026-"
    )
    assert said.endswith(f"write `{key}: {on}` in that, too")
    owed = -10_000 * (date.fromisoformat(str(on)) - date(2026, 2, 1)).days
    case = Case.of(amended(then, then))
    assert sum(postings(solved(case), "phases").values()) == owed
    booked = [each.amount for each in settled_of(case.signed, [], day("2026-07-01")).postings]
    assert booked == ([owed] if key == "accepted" else [])


def test_a_text_without_credits_may_tell_of_another_day() -> None:
    """No delay of its time gives anything, whichever day it was; a later one gives what the amendment says."""
    early = amended({"expected": "2026-02-15"}, {"accepted": "2026-02-08"}, credited=False)
    late = amended({"expected": "2026-02-15"}, {"accepted": "2026-03-08"}, credited=False)
    assert [sum(postings(solved(Case.of(data)), "phases").values()) for data in (early, late)] == [0, -350_000]


def test_a_credit_of_the_new_texts_own_time_is_as_it_says() -> None:
    assert sum(postings(solved(Case.of(amended({}, {"accepted": "2026-03-08"}))), "phases").values()) == -350_000
