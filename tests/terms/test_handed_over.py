"""What an amendment hands over of clauses whose windows are not all that they count in, by hand.

100 GPUs at 1 USD are 72,000 USD in a month of 30 days, 434,400 until July 2026, 876,000 in all of the year. Not here:
windows that divide an amount, kind by kind (``tests.planner.test_taken_over``).
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from tests.builders import D, Data, agreement, compute, data_of, gpus, mistakes, solved
from tests.planner.oracle.oracle import Oracle

TAKEN = {"takes-over": "whole-window"}


def signed(kind: str, before: Data, after: Data, *, on: str = "2026-07-01", **head: Any) -> Data:
    """100 GPUs at North for a year, and a clause with an amendment of it."""
    texts = [{"id": "c", "kind": kind} | text for text in (before, after)]
    deal = agreement(texts[0], *head.pop("others", ()), id="deal", ends="2027-01-01")
    later = agreement(texts[1], id="later", ends="2027-01-01", amends="deal", effective=on)
    return data_of([gpus("north", 1)], [compute(demand="100 GPU")], deal, later, months=12, **head)


def cost(data: Data) -> D:
    return solved(Case.of(data)).cost.quantize(D(1))


# -- milestones ----------------------------------------------------------------------------------------------------
def milestone(by: str, reach: str, **more: Any) -> Data:
    return {"milestones": [{"by": by, "reach": reach} | more]}


def test_a_milestone_before_a_window_is_taken_over_whole_is_asked() -> None:
    """300 k by April, of which 216 k are used: 10% of the rest. Then 900 k in all."""
    before = {"amount": "800 k USD"} | milestone("2026-04-01", "300 k USD", fee="10%")
    assert cost(signed("minimum-commitment", before, {"amount": "900 k USD"} | TAKEN)) == 900_000 + 8_400


def test_what_is_prepaid_before_a_window_is_taken_over_whole_is_refused() -> None:
    """The same as one text, which the remedy says, can be planned: 84 k are prepaid, and drawn by December."""
    prepaid = milestone("2026-04-01", "300 k USD", fee="100%", **{"charged-as": "prepayment"})
    before, after = {"amount": "800 k USD"} | prepaid, {"amount": "900 k USD"}
    (said,) = mistakes(signed("minimum-commitment", before, after | TAKEN))
    assert said.startswith("what is prepaid on 2026-04-01 is drawn after an amendment that takes over the whole")
    one = agreement({"id": "c", "kind": "minimum-commitment"} | prepaid | after, ends="2027-01-01")
    assert cost(data_of([gpus("north", 1)], [compute(demand="100 GPU")], one, months=12)) == 900_000


# -- service credits -----------------------------------------------------------------------------------------------
def credit(part: str, on: str, **more: Any) -> Data:
    """Of each month: measured once, below what was agreed."""
    bands = [{"below": "99%", "credit": part}]
    return {"bands": bands, "measured": [{"on": on, "availability": "95%"}]} | more


JANUARY = credit("10%", "2026-01-15", cap="5 k USD")
AUGUST = credit("20%", "2026-08-15", cap="7 k USD")
"""7,440 USD and 14,880 USD, but for their caps."""


def test_what_becomes_of_a_cap_on_service_credits_must_be_said() -> None:
    (said,) = mistakes(signed("service-credit", JANUARY, AUGUST))
    assert said.startswith("the window 2026 of the text that `c` replaces runs on 2026-07-01")
    assert cost(signed("service-credit", JANUARY, AUGUST | {"takes-over": "pro-rata"})) == 876_000 - 2_500 - 3_500
    assert cost(signed("service-credit", JANUARY, AUGUST | {"takes-over": "new-window"})) == 876_000 - 2_500 - 7_000


def test_a_cap_on_service_credits_is_not_taken_over_whole() -> None:
    """As one that is written anew, with the 2 k that are left, it can be planned: so the remedy says."""
    (said,) = mistakes(signed("service-credit", JANUARY, AUGUST | TAKEN))
    assert "say `removes: [c]`, and write this text with an `id` of its own and the cap that is left" in said
    data = signed("service-credit", JANUARY, AUGUST | {"id": "d", "cap": "2 k USD"})
    data["agreements"][1]["removes"] = ["c"]
    assert cost(data) == 876_000 - 5_000 - 2_000


def test_months_of_a_service_credit_go_on_after_an_amendment_within_one() -> None:
    """14 days of July at 10%, 17 at 20%; from its own day on it would give back 31, unless it says `starts`."""
    days = {"horizon": {"start": "2026-01-01", "end": "2027-01-01", "every": "day"}}
    before, after = credit("10%", "2026-07-05"), credit("20%", "2026-07-25")
    assert cost(signed("service-credit", before, after, on="2026-07-15", **days)) == 876_000 - 3_360 - 8_160
    own = after | {"windows": {"every": "month", "starts": "2026-07-15"}}
    assert cost(signed("service-credit", before, own, on="2026-07-15", **days)) == 876_000 - 3_360 - 14_880


# -- damages -------------------------------------------------------------------------------------------------------
def test_two_texts_of_damages_do_not_share_a_cap_on_liability() -> None:
    """21,720 and 44,160 USD, of which 10 k may be claimed: each text owed 10 k. Half of it each is what they share."""
    liability = {"id": "liability", "kind": "liability-cap", "amount": "10 k USD"}
    before, after = ({"rate": rate, "within": "liability"} for rate in ("5%", "10%"))
    (said,) = mistakes(signed("liquidated-damages", before, after, others=[liability]))
    assert said.startswith("`c` of `deal` and of `later` are bounded by `liability`, and each would use all of it")
    own = [{"rate": rate, "cap": "10 k USD"} for rate in ("5%", "10%")]
    assert cost(signed("liquidated-damages", own[0], own[1] | {"takes-over": "pro-rata"})) == 876_000 + 10_000


def test_a_cap_in_all_on_damages_is_not_taken_over_whole() -> None:
    """21,720 USD are 5% of January to June; with another id and the 8,280 that are left the new text can be planned."""
    before, after = ({"rate": rate, "cap": "30 k USD"} for rate in ("5%", "10%"))
    said = mistakes(signed("liquidated-damages", before, after | TAKEN))
    remedy = "say `removes: [c]`, and write this text with an `id` of its own and the cap that is left"
    assert said
    assert all(f"was owed under the earlier text is owed; {remedy}" in each for each in said), said
    data = signed("liquidated-damages", before, after | {"id": "d", "cap": "8280 USD"})
    data["agreements"][1]["removes"] = ["c"]
    assert cost(data) == 876_000 + 30_000


# -- rates ---------------------------------------------------------------------------------------------------------
ON: Data = {"windows": {"every": "year"}}


@pytest.mark.parametrize("kind", ["revenue-share", "liquidated-damages"])
@pytest.mark.parametrize(
    ("cap", "owed"),
    [
        ("1 M USD", 43_440 + 88_320),  # 10% of 434,400 until July, and 20% of 441,600 after it
        ("100 k USD", 100_000),
    ],
)
def test_a_rate_holds_from_its_day_on_though_the_window_is_taken_over_whole(kind: str, cap: str, owed: int) -> None:
    before, after = ({"rate": rate, "cap-each": cap} | ON for rate in ("10%", "20%"))
    data = signed(kind, before, after | TAKEN)
    data["workloads"] = [compute(demand="100 GPU", revenue="1 USD per GPU-hour")]
    assert cost(data) == 876_000 + owed
    assert Oracle(Case.of(data)).solve() == pytest.approx(876_000 + owed)
    term = Case.of(data).terms[-1]
    assert "what was counted before 2026-07-01 is owed as the text before said" in term.explain().sentence


def test_each_of_three_texts_has_its_own_rate() -> None:
    """10% until April (216,000), 20% until July (218,400), 5% after it (441,600), where one of two uses earns twice."""
    text = {"id": "c", "kind": "revenue-share", "cap-each": "1 M USD"} | ON
    deals = [agreement(text | {"rate": "10%"}, id="deal", ends="2027-01-01")]
    for name, amends, day_, rate in (("two", "deal", "2026-04-01", "20%"), ("three", "two", "2026-07-01", "5%")):
        deals.append(agreement(text | TAKEN | {"rate": rate}, id=name, amends=amends, effective=day_))
    works = [compute(demand="100 GPU", revenue="1 USD per GPU-hour")]
    data = data_of([gpus("north", 1)], works, *deals, months=12)
    assert cost(data) == 876_000 + 21_600 + 43_680 + 22_080
    data["agreements"][2]["terms"][0]["of"] = {"workload": "other"}
    data["workloads"].append(compute("other", demand="10 GPU", revenue="2 USD per GPU-hour"))
    assert cost(data) == 963_600 + (216_000 * D("1.2") * D("0.1")) + (218_400 * D("1.2") * D("0.2")) + 2 * 44_160 * D(
        "0.05"
    )


def test_what_a_lump_sum_comes_to_is_not_taken_over_by_a_rate() -> None:
    (said,) = mistakes(signed("liquidated-damages", {"amount": "9 k USD"} | ON, {"rate": "5%"} | ON | TAKEN))
    assert "is not charged as this text charges for it; say `takes-over: pro-rata` or `new-window`" in said
    parted = signed("liquidated-damages", {"amount": "9 k USD"} | ON, {"rate": "5%", "takes-over": "pro-rata"} | ON)
    assert cost(parted) == 876_000 + 4_500 + 22_080


def test_what_was_credited_at_another_rate_is_not_taken_over() -> None:
    """40% of 434,400 until July are 173,760; of 300 k are 126,240 left, of which 20% of 441,600 are 88,320."""
    before, after = ({"rate": rate, "amount": "300 k USD"} for rate in ("40%", "20%"))
    (said,) = mistakes(signed("credit", before, after | TAKEN))
    assert "say `removes: [c]`, and write this text with an `id` of its own and what is left of it" in said
    data = signed("credit", before, after | {"id": "d", "amount": "126240 USD"})
    data["agreements"][1]["removes"] = ["c"]
    assert cost(data) == 876_000 - 173_760 - 88_320
    assert cost(signed("credit", before, before | TAKEN)) == 876_000 - 300_000


def test_what_was_credited_is_not_taken_back_by_a_smaller_amount() -> None:
    """5 k are credited in January, of which 3 k in all would take 2 k back; 7 k give 2 k more."""
    (said,) = mistakes(signed("credit", {"amount": "5 k USD"}, {"amount": "3 k USD"} | TAKEN))
    assert "may have credited more of it: what was credited is credited; say `removes: [c]`" in said
    assert cost(signed("credit", {"amount": "5 k USD"}, {"amount": "7 k USD"} | TAKEN)) == 876_000 - 7_000


# -- windows that do not fit, and parties --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("windows", "on", "said"),
    [
        # a year of 40 k beside the first quarter's 10 k; of 40 k from July on nothing is asked twice
        ({"every": "year", "starts": "2026-01-01"}, "2026-05-15", "the window 2026 Q2, and its own begins on 2026-01"),
        ({"every": "month"}, "2026-05-15", "let that in which 2026-05-01 lies begin on 2026-04-01 (`windows`), or say"),
    ],
)
def test_windows_that_are_no_window_taken_over_are_refused(windows: Data, on: str, said: str) -> None:
    before: Data = {"amount": "10 k USD", "windows": {"every": "quarter"}}
    (only,) = mistakes(signed("minimum-commitment", before, {"amount": "40 k USD", "windows": windows} | TAKEN, on=on))
    assert said in only
    assert "whole-window" not in only


@pytest.mark.parametrize(("kind", "text"), [("minimum-commitment", {"amount": "1 M USD"}), ("warrants", None)])
def test_whose_use_counts_of_a_window_that_is_taken_over_is_said(kind: str, text: Data | None) -> None:
    """Of 876,000 USD, and 87,600 of the affiliate's; a party from July on, 44,160 of these."""
    text = text or warrants("1 M USD")
    data = signed(kind, text, text | TAKEN)
    data["workloads"] = [compute(n, demand=d, labels={"party": n}) for n, d in (("lab", "100 GPU"), ("uk", "10 GPU"))]
    for deal, parties in zip(data["agreements"], (["lab"], ["lab", "uk"]), strict=True):
        deal["parties"] = parties
    (said,) = mistakes(data)
    assert "is about that of `lab` and `uk` from 2026-07-01 on: whose use from before counts is not said" in said
    assert "say `parties: [lab, uk]` in the clause" in said
    data["agreements"][1]["terms"][0]["parties"] = ["lab", "uk"]
    assert solved(Case.of(data)).standings[-1].drawn == 963_600


@pytest.mark.parametrize(
    ("before", "after", "apart", "drawn"),
    [
        (["lab"], ["lab", "uk"], "2026-01-01", 876_000 + 44_160),  # who joins in July counts from then on
        (["lab", "uk"], ["lab"], "2026-07-01", 876_000 + 43_440),  # who leaves counted until then
    ],
)
def test_whose_use_counts_before_and_after_is_written_as_work_of_its_own(
    before: list[str], after: list[str], apart: str, drawn: int
) -> None:
    """10 GPUs of an affiliate, 43,440 USD until July and 44,160 after, of which the clause is about one half."""
    text = {"amount": "1 M USD"}
    data = signed("minimum-commitment", text, text | TAKEN)
    for deal, parties in zip(data["agreements"], (before, after), strict=True):
        deal["parties"] = parties
    data["workloads"] = [compute(n, demand=d, labels={"party": n}) for n, d in (("lab", "100 GPU"), ("uk", "10 GPU"))]
    (said,) = mistakes(data)
    assert "say `parties: [lab, uk]` in the clause, and write the work of `uk`" in said
    halves = ("2026-01-01", {"2026-01-01": "10 GPU", "2026-07-01": "0 GPU"}), (
        "2026-07-01", {"2026-01-01": "0 GPU", "2026-07-01": "10 GPU"}
    )  # fmt: skip
    data["workloads"][1:] = [
        compute(f"uk-{on}", demand={"rate": rate}, labels={"party": "other" if on == apart else "uk"})
        for on, rate in halves
    ]
    data["agreements"][1]["terms"][0]["parties"] = ["lab", "uk"]
    assert solved(Case.of(data)).standings[-1].drawn == drawn


# -- warrants ------------------------------------------------------------------------------------------------------
def warrants(reach: str, **more: Any) -> Data:
    return {"tranches": [{"reach": reach, "shares": "1 M"}]} | more


def test_whether_what_was_bought_before_counts_towards_warrants_must_be_said() -> None:
    """434,400 USD until July, and 441,600 after: 876,000 of the 800 k that the new text asks, or half of them."""

    def drawn(way: str) -> list[D]:
        data = signed("warrants", warrants("500 k USD"), warrants("800 k USD", **{"takes-over": way}))
        return [each.drawn.quantize(D(1)) for each in solved(Case.of(data)).standings]

    assert drawn("whole-window") == [434_400, 876_000]
    assert drawn("new-window") == [434_400, 441_600]
    unsaid, part = (warrants("800 k USD", **more) for more in ({}, {"takes-over": "pro-rata"}))
    (said,) = mistakes(signed("warrants", warrants("500 k USD"), unsaid))
    assert said.startswith("whether what was bought before 2026-07-01 counts towards the tranches is not said")
    (said,) = mistakes(signed("warrants", warrants("500 k USD"), part))
    assert said.startswith("tranches ask for so much in all, and no part of it falls to a time")


# -- prices that have risen ----------------------------------------------------------------------------------------
def test_that_a_rise_ends_with_the_text_that_an_amendment_replaces_is_noted() -> None:
    """From March on 10%, and from July on list prices, 905,280; if the 10% stay, as the note has it, 949,440."""
    before, after = {"by": "10%", "starts": "2025-03-01"}, {"by": "5%", "starts": "2026-07-01"}
    data = signed("escalator", before, after)
    what = "`c` of `later` begins anew from list prices on 2026-07-01: they are × 1, and were × 1.1 by the text that"
    said = [note.what for note in notes(Case.of(data))]
    assert [each.startswith(what) for each in said] == [False, True]  # that it never rises is told before
    assert cost(data) == 905_280
    data["offers"] = [gpus("north", {"2026-01-01": "1 USD per GPU-hour", "2026-07-01": "1.1 USD per GPU-hour"})]
    assert cost(data) == 949_440
    assert not notes(Case.of(signed("escalator", before, before)))
