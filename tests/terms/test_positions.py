"""Positions: clauses that deny nothing and move no number. What they remind of, by the calendar, worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from detente.contract.bases.position import Position
from detente.contract.reach.scope import Scope
from detente.contract.reach.window import Every
from detente.contract.term import ROLES, Term
from detente.terms import kind_of, kinds
from detente.values.held import held_in
from tests.builders import D, Data, agreement, build, data_of, day, mistakes, tokens, two_clouds, work

EXAMPLES: dict[str, Data] = {
    "obligation": {"what": "a report", "windows": {"every": "quarter"}, "within": "30 days"},
    "renewal": {"automatic": True, "for": "1 year", "notice": "90 days"},
    "termination": {"for": "convenience", "fees": [{"fee": "2 M USD"}, {"after": "9 months", "fee": "1 M USD"}]},
    "change-of-control": {"right": "terminate", "within": "90 days", "happened": "2026-04-01"},
    "audit": {"notice": "30 days"},
    "liability-cap": {"fees-of": "12 months"},
    "most-favoured": {"compared-with": "others of our size"},
}
KINDS_OF_POSITION = [kind for kind in kinds() if issubclass(kind, Position)]


def data(kind: str, **more: Any) -> Data:
    clause = {"id": "it", "kind": kind} | EXAMPLES[kind] | more
    return data_of([tokens("north", 3)], [work()], agreement(clause), months=12)


def term(kind: str, **more: Any) -> Term:
    (found,) = Case.of(data(kind, **more)).signed
    return found


def reminded(kind: str, **more: Any) -> list[tuple[str, str]]:
    found = term(kind, **more).reminds(day("2026-01-01"), day("2028-01-01"))
    return [(str(each.on), each.role) for each in found]


def test_each_position_has_an_example() -> None:
    assert set(EXAMPLES) == {kind_of(kind) for kind in KINDS_OF_POSITION}


@pytest.mark.parametrize("kind", KINDS_OF_POSITION, ids=kind_of)
def test_it_denies_nothing_and_moves_no_number(kind: type[Term]) -> None:
    for verb in ("judge", "meters", "shape", "settle"):
        assert getattr(kind, verb) is getattr(Term, verb), verb
    assert not issubclass(kind, ROLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_it_states_what_it_declares_and_explains_itself(kind: str) -> None:
    found = term(kind)
    assert {path for path, _ in held_in(found, Scope)} <= {path for path, _ in found.scopes()}
    assert {stated.path for stated in found.stated_windows()} == {path for path, _ in held_in(found, Every)}
    assert found.explain().term == "it"
    assert found.explain().sentence.endswith("; no plan turns on it")


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("scope", [{"of": {"kind": "inference"}}, {"except": [{"kind": "batch"}]}])
def test_it_speaks_of_no_use(kind: str, scope: Data) -> None:
    (only,) = mistakes(data(kind, **scope))
    assert only.startswith("is about the parties, and speaks of no use")


# -- obligation -----------------------------------------------------------------------------------------------------
def test_a_duty_that_comes_back_is_due_so_long_after_each_window() -> None:
    # the quarter ends with 31 March; 30 days from 1 April is 1 May, an exclusive end: the last day is 30 April
    found = term("obligation", done=["2026-04-20"]).reminds(day("2026-01-01"), day("2027-06-01"))
    assert [(str(each.on), each.done) for each in found] == [
        ("2026-04-30", date(2026, 4, 20)),
        ("2026-07-30", None),
        ("2026-10-30", None),
        ("2027-01-30", None),
    ]


def test_a_duty_is_done_once_or_again() -> None:
    once = {"due": "2026-02-28", "windows": None, "within": None}
    assert reminded("obligation", **once) == [("2026-02-28", "duty")]
    assert mistakes(data("obligation", due="2026-02-28", windows=None)) == [
        "`within` counts from the end of a window; leave it out, or write `windows` in place of `due`"
    ]
    assert mistakes(data("obligation", due="2026-02-28")) == [
        "says neither or both of `due` and `windows`; write one of them"
    ]
    (only,) = mistakes(data("obligation", **(once | {"due": "2036-02-28"})))
    assert only == "2036-02-28 is not while the clause is in force (2026); is the year right?"
    (only,) = mistakes(data("obligation", done=["2026-05-01", "2026-04-01"]))
    assert only.startswith("the days on which it was done are out of order")


@pytest.mark.parametrize(
    ("due", "written"),
    [
        (
            {"from": "2026-01-01", "every": "month"},
            "write `windows: { every: month, starts: 2026-01-01 }` in its place",
        ),
        ("each week", "write `windows: { every: week }` in its place"),
        (["2026-03-31", "2026-06-30"], "or `within` some time, or a clause for each day"),
    ],
)
def test_a_duty_that_comes_back_is_not_due_on_a_day(due: object, written: str) -> None:
    (only,) = mistakes(data("obligation", due=due, windows=None, within=None))
    assert only.startswith("`due` is the one day of a duty that is done once, and this one comes back; ")
    assert written in only


def test_the_source_of_a_day_may_be_stated() -> None:
    due = {"value": "2026-02-28", "source": "§ 4"}
    assert mistakes(data("obligation", due=due, windows=None, within=None)) == []


@pytest.mark.parametrize(("days", "wrong"), [(4, False), (5, True)])
def test_a_duty_is_done_once_for_each_window(days: int, wrong: bool) -> None:
    said = mistakes(data("obligation", done=[f"2026-0{n}-20" for n in range(4, 4 + days)]))
    fifth = "2026-08-20 is the day of no window: it comes back in 4 windows (2026), each done once; write one day"
    assert [each.startswith(fifth) for each in said] == [True] * wrong


# -- renewal ----------------------------------------------------------------------------------------------------------
def test_it_renews_again_and_again_unless_notice_is_given_in_time() -> None:
    # 3 October to 31 December are 90 days, so the last day is the 2nd; the third term's notice is after the list
    assert reminded("renewal") == [
        ("2026-10-02", "notice"),
        ("2027-01-01", "renewal"),
        ("2027-10-02", "notice"),
        ("2028-01-01", "renewal"),
    ]
    found = list(term("renewal", given="2026-10-02").reminds(day("2026-01-01"), day("2030-01-01")))
    assert [each.what for each in found][1:] == ["ends, and does not renew"]
    assert found[0].done == date(2026, 10, 2)


def test_terms_of_a_month_keep_their_day() -> None:
    """From 31 January on, by the month: the end of February does not move the end of March."""
    clause = {"id": "it", "kind": "renewal", "automatic": True, "for": "1 month", "notice": "1 day"}
    case = Case.of(data_of([tokens("north", 3)], [work()], agreement(clause, ends="2026-01-31"), months=1))
    found = case.signed[0].reminds(day("2026-01-01"), day("2026-04-01"))
    assert [str(each.on) for each in found if each.role == "renewal"] == ["2026-01-31", "2026-02-28", "2026-03-31"]


def test_late_notice_is_a_mistake() -> None:
    (only,) = mistakes(data("renewal", given="2026-10-03"))
    assert only.startswith("notice was given on 2026-10-03, and the last day for it was 2026-10-02")


def test_it_ends_unless_notice_is_given() -> None:
    quiet, loud = (
        [each.what for each in term("renewal", automatic=False, **given).reminds(day("2026-01-01"), day("2030-01-01"))]
        for given in ({}, {"given": "2026-09-01"})
    )
    assert quiet[1:] == ["ends, and does not renew"]
    assert loud[1:] == ["renews for 1 year"]


def test_an_agreement_without_end_does_not_renew() -> None:
    clause = {"id": "it", "kind": "renewal"} | EXAMPLES["renewal"]
    endless = data_of([tokens("north", 3)], [work()], agreement(clause, ends=None))
    assert mistakes(endless) == ["an agreement without end does not renew; state `ends:` of the agreement"]


# -- termination ------------------------------------------------------------------------------------------------------
def test_leaving_costs_what_the_step_says() -> None:
    found = term("termination")
    fees = [found.fee(date.fromisoformat(on)) for on in ("2026-01-01", "2026-09-30", "2026-10-01")]  # type: ignore[attr-defined]
    assert fees == [2_000_000, 2_000_000, 1_000_000]
    assert reminded("termination") == [("2026-01-01", "right"), ("2026-10-01", "right")]
    dated = {"not-before": "2026-07-01", "notice": "60 days"}
    assert reminded("termination", **dated)[:2] == [("2026-07-01", "right"), ("2026-05-01", "notice")]


def test_what_leaving_costs_is_told_from_the_first_day_on_which_one_may() -> None:
    """From 1 July on, 4.5 of the 9 M that remain on 1 April are no answer; a step that is over by then is not told."""
    fees = [{"fee": "9 M USD"}, {"after": "3 months", "of-remaining": "50%"}, {"after": "9 months", "fee": "1 USD"}]
    clause = term("termination", fees=fees, total="12 M USD", **{"not-before": "2026-07-01"})
    found = [(str(r.on), r.what) for r in clause.reminds(day("2026-01-01"), day("2027-01-01")) if "costs" in r.what]
    assert found == [
        ("2026-07-01", "from this day leaving costs 50% of what remains, then 3.00 M USD"),
        ("2026-10-01", "from this day leaving costs 1.00 USD"),
    ]


def test_leaving_costs_a_part_of_what_remains() -> None:
    """12 M USD over 2026, 1 M a month: on 1 July 6 M remain and half of them is owed; a month goes by its days."""
    fees = [{"of-remaining": "100%"}, {"after": "6 months", "of-remaining": "50%"}]
    found = term("termination", fees=fees, total="12 M USD")
    days = ("2026-01-01", "2026-04-16", "2026-07-01", "2026-12-31")
    assert [found.fee(date.fromisoformat(on)) for on in days] == [  # type: ignore[attr-defined]
        12_000_000, 8_500_000, 3_000_000, D("16129.032258065"),
    ]  # fmt: skip
    assert "fee: 100% of what remains from the start, 50% of what remains after 6 months" in found.explain().sentence
    later = [r.what for r in found.reminds(day("2026-01-01"), day("2027-01-01"))]
    assert later[1] == "from this day leaving costs 50% of what remains, then 3.00 M USD"


@pytest.mark.parametrize(
    ("more", "days"),
    [({}, []), ({"not-before": "2026-07-01", "notice": "60 days"}, ["2026-07-01", "2026-05-01"])],
)
def test_without_fees_leaving_costs_nothing(more: Data, days: list[str]) -> None:
    free = term("termination", fees=[], **more)
    assert free.fee(date(2026, 7, 1)) == 0  # type: ignore[attr-defined]
    assert "; fee: none" in free.explain().sentence
    assert [str(each.on) for each in free.reminds(day("2026-01-01"), day("2027-01-01"))] == days


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"not-before": "2027-03-01"}, "the first day of leaving, 2027-03-01, is after the end (2027-01-01)"),
        ({"fees": [{"after": "14 months", "fee": "1 USD"}]}, "a fee from 2027-03-01 on begins after the last day"),
        ({"fees": [{"after": "2 months", "fee": "1 USD"}, {"fee": "2 USD"}]}, "the steps of `fees` are out of order"),
        ({"cure": "30 days"}, "only a breach is cured"),
    ],
)
def test_what_no_time_of_the_agreement_sees(more: Data, said: str) -> None:
    (only,) = mistakes(data("termination", **more))
    assert only.startswith(said)


# -- change of control, audit, liability ------------------------------------------------------------------------------
def test_a_right_after_a_change_of_control_lasts_so_long() -> None:
    # 2026-04-01 and 90 days: 30 in April, 31 in May, and 29 of June
    assert reminded("change-of-control", notice="10 days") == [("2026-04-11", "notice"), ("2026-06-30", "right")]
    assert reminded("change-of-control", happened=None) == []
    told = term("change-of-control", notice="10 days").explain().sentence
    assert "it must be told within 10 days, and the other party may end the agreement within 90 days" in told


def test_an_audit_is_once_in_each_window() -> None:
    found = list(term("audit", done=["2026-08-08"]).reminds(day("2026-01-01"), day("2027-01-01")))
    assert [(str(each.on), each.role) for each in found] == [("2026-12-01", "notice"), ("2026-12-31", "right")]
    assert found[1].done == date(2026, 8, 8)
    assert (found[0].done, found[0].by) == (None, None)  # of an audit that was made, nobody said when it was announced
    assert found[0].what.endswith(": it was made on 2026-08-08, and when it was announced is not stated")
    assert {each.by for each in term("audit").reminds(day("2026-01-01"), day("2027-01-01"))} == {"self"}


def test_more_audits_than_there_is_a_right_to_are_noted() -> None:
    case = Case.of(data("audit", done=["2026-02-01", "2026-03-20"]))
    (note,) = notes(case)
    assert note.what == "`it`: an audit may be made once in 2026, and was on 2026-02-01 and 2026-03-20"
    assert notes(Case.of(data("audit", windows={"every": "month"}, done=["2026-02-01", "2026-03-20"]))) == ()


def test_a_cap_on_liability_says_how_much() -> None:
    both = term("liability-cap", amount="10 M USD", uncapped=["fraud"]).explain().sentence
    assert "in all at most the larger of 10.0 M USD and the fees of 12 months; outside of it: fraud" in both
    assert mistakes(data("liability-cap", **{"fees-of": None}))[0].startswith("says neither `amount` nor `fees-of`")


@pytest.mark.parametrize(
    ("more", "percent"),
    [
        # 2.20 against 2.09: 0.11 less, which is 5%; with a band of 2% down to 2.1318, which is 3.1%
        ({}, "5%"),
        ({"band": "2%"}, "3.1%"),
        ({"at-most": "1%"}, "1%"),
    ],
)
def test_a_lower_price_of_others_is_told_and_lowered_to(more: Data, percent: str) -> None:
    found = {"what": "H100s", "ours": "2.20 USD per GPU-hour", "theirs": "2.09 USD per GPU-hour", "on": "2026-05-04"}
    clause = term("most-favoured", compared=[found], **{"report-within": "15 days"} | more)
    asked, told = clause.reminds(day("2026-01-01"), day("2027-01-01"))
    assert (str(asked.on), asked.by, str(told.on), told.by) == ("2026-12-31", "self", "2026-05-19", "north")
    assert told.what.endswith(f"so {percent} less is due")


def test_what_was_lowered_and_what_asks_for_nothing_is_said() -> None:
    found = {"what": "H100s", "ours": "2.20 USD per GPU-hour", "theirs": "2.09 USD per GPU-hour", "on": "2026-05-04"}
    lowered = term("most-favoured", compared=[found | {"lowered": "2026-06-01"}]).explain().sentence
    assert "so 5% less is due and was given on 2026-06-01" in lowered
    assert (
        term("most-favoured", compared=[found], band="10%")
        .explain()
        .sentence.split("; ")[0]
        .endswith("so nothing is due")
    )


def test_what_was_paid_too_much_in_the_look_back_is_due_back() -> None:
    """0.11 USD for each of 400,000 GPU-hours: 44,000; with a band of 2%, 2.20 - 2.1318, 27,280."""
    found = {"what": "H100s", "ours": "2.20 USD per GPU-hour", "theirs": "2.09 USD per GPU-hour", "on": "2026-05-04"}
    times = {"look-back": "1 year", "report-within": "15 days", "lower-within": "60 days"}
    clause = term("most-favoured", compared=[found | {"bought": "400 k GPU-hour"}], **times)
    told = [(str(each.on), each.role, each.what) for each in clause.reminds(day("2026-01-01"), day("2027-01-01"))]
    # 15 days from 4 May are the 19th, and 60 more 18 July: 12 of May, 30 of June, 18
    assert [(on, role) for on, role, _ in told[1:]] == [
        ("2026-05-19", "notice"), ("2026-07-18", "duty"), ("2026-07-18", "duty")
    ]  # fmt: skip
    assert told[-1][2] == "44.0 k USD of 400 k GPU-hour in the 1 year before is due back"
    banded = term("most-favoured", compared=[found | {"bought": "400 k GPU-hour"}], band="2%", **times)
    assert "27.3 k USD of 400 k GPU-hour" in banded.explain().sentence
    back = term("most-favoured", compared=[found | {"bought": "400 k GPU-hour", "refunded": "2026-07-01"}], **times)
    assert [each.done for each in back.reminds(day("2026-01-01"), day("2027-01-01"))][-1] == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"bought": "5 GPU-hour"},
            "`H100s` says what was bought before, and nothing is looked back to; add `look-back`",
        ),
        ({"bought": "5 Mtok"}, "ours is per GPU-hour, and what was bought is in Mtok; write it in GPU-hour"),
        ({"refunded": "2026-07-01"}, "and of how much is not said; add `bought`"),
    ],
)
def test_what_is_refunded_is_of_something(more: Data, said: str) -> None:
    found = {"what": "H100s", "ours": "2.20 USD per GPU-hour", "theirs": "2.09 USD per GPU-hour", "on": "2026-05-04"}
    (only,) = mistakes(data("most-favoured", compared=[found | more]))
    assert said in only


def test_a_price_of_others_within_the_band_asks_for_nothing() -> None:
    near = {"what": "H100s", "ours": "2.20 USD per GPU-hour", "theirs": "2.18 USD per GPU-hour", "on": "2026-05-04"}
    reminded = term("most-favoured", compared=[near], band="2%").reminds(day("2026-01-01"), day("2027-01-01"))
    assert [each.role for each in reminded] == ["right"]
    (only,) = mistakes(data("most-favoured", compared=[near | {"theirs": "2.18 USD per Mtok"}]))
    assert only.startswith("`H100s`: ours is per GPU-hour, theirs per Mtok")


def test_a_case_with_all_of_them_costs_what_it_costs_without() -> None:
    clauses = [{"id": kind, "kind": kind} | EXAMPLES[kind] for kind in EXAMPLES]
    case = build([tokens("north", 3)], [work()], agreement(*clauses), months=12)
    assert len(case.terms) == len(EXAMPLES)
    assert [meter for each in case.terms for meter in each.meters()] == []


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        (
            {"kind": "most-favoured", "compared-with": "others"},
            "no price of others is stated (`compared`), so nothing is",
        ),
        (
            {"kind": "change-of-control", "right": "terminate", "within": "90 days"},
            "no day is stated on which it `happened`",
        ),
    ],
)
def test_what_is_not_known_is_named_by_the_key_that_states_it(clause: Data, told: str) -> None:
    term = two_clouds({"id": "t"} | clause).term("t")
    assert term is not None
    assert told in term.explain().sentence
