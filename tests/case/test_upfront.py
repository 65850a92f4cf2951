"""What is paid all at once when a reservation begins: clauses that begin, turn or end within its term are refused."""

from __future__ import annotations

import pytest

from tests.builders import D, Data, agreement, build, compute, data_of, gpus, mistakes, solved

RISES = {"id": "e", "kind": "escalator", "by": "10%", "starts": "2025-07-01"}
OFF = {"id": "d", "kind": "discount", "off": "10%"}
GIVEN = {"id": "c", "kind": "credit", "amount": "1 k USD"}


def reserved(**more: object) -> Data:
    return gpus("north", 1, buy="reserved", term="1 year", invoiced="upfront") | more


def data(*terms: Data, **more: object) -> Data:
    return data_of([reserved(**more), gpus("south", 9)], [compute()], agreement(*terms), months=12)


@pytest.mark.parametrize(
    ("term", "does"),
    [
        (RISES, "changes that price on 2026-07-01"),
        (OFF | {"from": "2026-07-01"}, "changes that price on 2026-07-01"),
        (OFF | {"until": "2026-07-01"}, "changes that price on 2026-07-01"),
        (GIVEN | {"from": "2026-07-01"}, "begins or ends to pay for it on 2026-07-01"),
        (GIVEN | {"windows": {"every": "quarter"}}, "begins or ends to pay for it on 2026-04-01"),
    ],
)
def test_what_was_paid_in_january_is_not_changed_later(term: Data, does: str) -> None:
    """100 GPUs for 8,760 hours at 1 USD, bought in January: a rise of 10% from July on made 920,160 of 876,000 USD."""
    (only,) = mistakes(data(term))
    assert f"and `{term['id']}` {does}, within a term" in only
    assert mistakes(data(term, term="1 month")) == []  # no term is running then
    assert mistakes(data(term, invoiced="monthly")) == []


def test_the_way_out_is_what_was_paid() -> None:
    """Ten GPUs for 8,760 hours."""
    rises = agreement(RISES | {"except": [{"buy": "reserved"}]})
    offers = [reserved(), gpus("north", 8, id="by-the-hour"), gpus("south", 9)]
    assert solved(build(offers, [compute()], rises, months=12)).cost == D(87_600)


@pytest.mark.parametrize("term", [OFF, GIVEN])
def test_what_holds_for_all_of_a_term_may_stand(term: Data) -> None:
    assert mistakes(data(term)) == []


def test_an_amendment_that_takes_off_the_same_changes_nothing() -> None:
    first = agreement(OFF, ends="2027-01-01")
    later = {"id": "later", "with": "north", "effective": "2026-07-01", "amends": first["id"], "terms": [OFF]}
    for off, wrong in ((OFF, 0), (OFF | {"off": "20%"}, 1)):
        found = mistakes(data_of([reserved()], [compute()], first, later | {"terms": [off]}, months=12))
        assert len(found) == 2 * wrong  # each of the two texts


def test_a_credit_whose_window_is_taken_over_whole_pays_from_its_first_day() -> None:
    """Of 87,600 USD in January 2,000 in all, as the later text has it."""
    first = agreement(GIVEN, ends="2027-01-01")
    later = {"id": "later", "with": "north", "effective": "2026-07-01", "amends": first["id"]}
    later["terms"] = [GIVEN | {"amount": "2 k USD", "takes-over": "whole-window"}]
    assert solved(build([reserved()], [compute()], first, later, months=12)).cost == D(85_600)
