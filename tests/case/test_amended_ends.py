"""An amendment with another end: when all of the agreement then ends, and what is refused because nobody has said it.

Use costs 100 USD a day on North and 50 on South: on North 36,500 a year, 9,000 and 9,100 in the first quarters of 2026.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from tests.builders import Data, data_of, mistakes, solved, tokens, work

FLOOR: Data = {"id": "fl", "kind": "minimum-commitment", "amount": "40 k USD", "measure": "list"}
YEARLY = FLOOR | {"windows": {"every": "year"}}
QUARTERLY = FLOOR | {"windows": {"every": "quarter"}}
OFF: Data = {"id": "di", "kind": "discount", "off": "10%"}


def signed(name: str, effective: str, *terms: Data, **more: object) -> Data:
    return {"id": name, "with": "north", "effective": effective, "terms": list(terms), **more}


def amended(effective: str, *terms: Data, name: str = "b", **more: object) -> Data:
    return signed(name, effective, *terms, amends="a", **more)


def facts(*agreements: Data, south: bool = False, months: int = 24) -> Data:
    offers = [tokens("north", 1), *([tokens("south", Decimal("0.5"))] if south else [])]
    return data_of(offers, [work(demand="100 Mtok per day")], months=months) | {"agreements": list(agreements)}


def cost(*agreements: Data, south: bool = False, months: int = 24) -> Decimal:
    return round(solved(Case.of(facts(*agreements, south=south, months=months))).cost, 2)


def said(*agreements: Data) -> list[str]:
    """Notes on amendments, from the agreement they are about."""
    return [note.what for note in notes(Case.of(facts(*agreements))) if str(note.where).startswith("b")]


def test_a_later_end_holds_for_all_of_it() -> None:
    later = amended("2026-12-01", ends="2028-01-01")
    assert cost(signed("a", "2026-01-01", YEARLY, ends="2028-01-01")) == 80_000
    assert cost(signed("a", "2026-01-01", YEARLY, ends="2027-01-01"), later) == 80_000
    on_its_last_day = amended("2027-01-01", ends="2028-01-01")
    assert cost(signed("a", "2026-01-01", YEARLY, ends="2027-01-01"), on_its_last_day) == 80_000


@pytest.mark.parametrize(("first", "expected"), [("2026-07-01", 63_950), ("2027-07-01", 45_700)])
def test_also_for_what_begins_later(first: str, expected: int) -> None:
    """From July 2026 549 days cost 100 and 181 cost 50; from July 2027, after the first end, 184 and 546."""
    exclusive = {"id": "ex", "kind": "exclusivity", "from": first}
    deals = signed("a", "2026-01-01", exclusive, ends="2027-01-01"), amended("2026-06-01", ends="2028-01-01")
    assert cost(*deals, south=True) == expected


def test_a_clause_that_ends_by_itself_is_not_extended() -> None:
    own = YEARLY | {"until": "2027-01-01"}
    deals = signed("a", "2026-01-01", own, ends="2027-01-01"), amended("2026-12-01", ends="2028-01-01")
    assert cost(*deals) == 76_500


def test_an_earlier_end_ends_all_of_it() -> None:
    deal = signed("a", "2026-01-01", QUARTERLY, ends="2027-01-01")
    assert cost(deal, months=12) == 36_500 + 123_500
    assert cost(deal, amended("2026-05-01", ends="2026-07-01"), months=12) == 36_500 + 61_900


def test_a_window_that_an_earlier_end_cuts_is_told() -> None:
    deal = signed("a", "2026-01-01", QUARTERLY, ends="2027-01-01")
    (only,) = said(deal, amended("2026-05-01", ends="2026-08-15"))
    assert only == "`b` ends `fl` on 2026-08-15, in its window 2026 Q3, which keeps its whole amount"
    assert said(deal, amended("2026-05-01", ends="2026-07-01")) == []


def test_a_part_of_the_window_that_is_cut_is_a_clause_of_its_own() -> None:
    """40 k in each of two quarters, and 46/92 of it until 15 August, of 4,500 are used; nothing is told of that."""
    deal = signed("a", "2026-01-01", QUARTERLY, ends="2027-01-01")
    earlier = amended("2026-05-01", ends="2026-08-15")
    assert cost(deal, earlier, months=12) == 36_500 + 61_900 + 35_500
    (note,) = (note for note in notes(Case.of(facts(deal, earlier))) if str(note.where) == "b")
    assert "(`from: 2026-07-01`, `until: 2026-08-15`)" in note.remedy
    part = FLOOR | {"id": "part", "amount": "20 k USD", "from": "2026-07-01", "until": "2026-08-15"}
    written = signed("a", "2026-01-01", QUARTERLY | {"until": "2026-07-01"}, part, ends="2027-01-01")
    assert cost(written, earlier, months=12) == 36_500 + 61_900 + 15_500
    assert said(written, earlier) == []


def test_what_goes_on_though_it_is_not_meant_ends_in_its_clause() -> None:
    """As the note has it: 334 days at 90, then 99.90 a day, and of 40 k for 2026 the rest."""
    later = amended("2026-12-01", OFF | {"off": "0.1%"}, ends="2028-01-01")
    deal = signed("a", "2026-01-01", YEARLY | {"until": "2027-01-01"}, OFF, ends="2027-01-01")
    assert cost(deal, later) == 334 * 90 + 396 * Decimal("99.9") + 3_500
    assert said(deal, later) == []


def test_a_temporary_amendment_says_which() -> None:
    """10% and 30% of 100 a day: 181 days at 90, 184 at 70, and 365 at 90, or at 100 where nothing comes back."""
    deal, more = signed("a", "2026-01-01", OFF, ends="2028-01-01"), OFF | {"off": "30%"}
    (only,) = mistakes(facts(deal, amended("2026-07-01", more, ends="2027-01-01")))
    assert only.startswith("ends on 2027-01-01, and `a` ends on 2028-01-01: whether all of it then ends, or its own")
    then = amended("2026-07-01", more | {"until": "2027-01-01"})
    assert cost(deal, then) == 73_000 - 7_330
    assert cost(deal, then, amended("2027-01-01", OFF, name="c")) == 73_000 - 10_980
    whole = amended("2026-07-01", ends="2027-01-01", name="c")
    assert cost(deal, amended("2026-07-01", more), whole) == 73_000 - 7_330


def test_a_later_end_beside_clauses_tells_what_goes_on() -> None:
    deal = signed("a", "2026-01-01", YEARLY, OFF, ends="2027-01-01")
    later = amended("2026-12-01", OFF | {"off": "0.1%"}, ends="2028-01-01")
    use = 334 * 90 + (31 + 365) * Decimal("99.9")
    assert cost(deal, later) == use + 2 * 3_500
    assert said(deal, later) == ["`b` ends on 2028-01-01, and with it `fl`, until now on 2027-01-01"]


def test_one_amount_of_a_term_that_grows_is_refused() -> None:
    """Whole: 80 k for both years. New: 11/12 of 40 k for 334 days, and 40 k for the other 396."""
    deal = signed("a", "2026-01-01", FLOOR, ends="2027-01-01")
    (only,) = mistakes(facts(deal, amended("2026-12-01", ends="2028-01-01")))
    assert only.startswith("makes the term of `fl` longer, which has one amount for all of it")
    whole = FLOOR | {"amount": "80 k USD", "takes-over": "whole-window"}
    assert cost(deal, amended("2026-12-01", whole, ends="2028-01-01")) == 80_000
    kept = signed("a", "2026-01-01", FLOOR, ends="2028-01-01")
    assert cost(kept, amended("2026-12-01", ends="2028-01-01")) == 73_000
    new = FLOOR | {"takes-over": "new-window"}
    assert cost(deal, amended("2026-12-01", new, ends="2028-01-01")) == Decimal("76666.67")


def test_after_the_end_there_is_nothing_to_extend() -> None:
    deal = signed("a", "2026-01-01", YEARLY, ends="2027-01-01")
    (only,) = mistakes(facts(deal, amended("2027-03-01", ends="2028-01-01")))
    assert only.startswith("takes effect on 2027-03-01, when `a` has ended (2027-01-01), and can give it no other end")
    assert cost(deal, amended("2027-01-01", ends="2028-01-01")) == 80_000
    again = YEARLY | {"until": "2028-01-01", "windows": {"every": "term"}, "amount": "33 k USD"}
    assert cost(deal, amended("2027-03-01", again, ends="2028-01-01")) == 73_000 + 3_500 + 2_400
