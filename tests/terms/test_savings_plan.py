"""Savings plans, by hand. AWS's example: R5 at 1.00 is 0.70 in the plan (30%), M5 at 10.00 is 8.20 (18%)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from detente.contract.decisions import Decisions
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    charged,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    placed,
    refused,
    solved,
)
from tests.planner.oracle.oracle import Oracle

FEBRUARY = {"start": "2026-02-01", "end": "2026-03-01", "every": "day"}
RATES = {"r5": "0.70 USD per GPU-hour", "m5": "8.20 USD per GPU-hour"}
OFFERS = [gpus("north", 1, id="r5", accelerator="R5"), gpus("north", 10, id="m5", accelerator="M5")]


def plan_of(commitment: str, rates: Data = RATES, **more: Any) -> Data:
    return {"id": "plan", "kind": "savings-plan", "commitment": f"{commitment} USD per hour", "rates": rates} | more


def needs(name: str, demand: Any, accelerator: str) -> Data:
    return compute(name, demand, **{"runs-on": {"accelerators": {accelerator: 1}}})


JOBS = [needs("a", "4 GPU", "R5"), needs("b", "1 GPU", "M5")]


def february(term: Data, jobs: list[Data] = JOBS, offers: list[Data] = OFFERS, days: int = 28, **more: Any) -> Case:
    """The first days of it."""
    ends = "2026-03-01" if days == 28 else f"2026-02-{days + 1:02}"
    deal = agreement(term, effective="2026-02-01", ends=ends, **more)
    return build(offers, jobs, deal, horizon=FEBRUARY | {"end": ends})


OF_LAB = {"owner": {"party": "lab"}}


@pytest.mark.parametrize(
    ("labs", "commitment", "hourly"),
    [
        # the owner's M5 first, though R5 save more: 6 / 8.20 of it, 2.20 / 8.20 at 10, and 4 R5 at 1
        ("b", "6", 6 + D(22) / D("8.2") + 4),
        # what the owner leaves of 10 (1.80) covers 1.80 / 0.70 R5 of the other account
        ("b", "10", 10 + 4 - D("1.8") / D("0.7")),
        # the owner's are the R5: as without an owner
        ("a", "6", 6 + D(50) / D("8.2")),
    ],
)
def test_use_of_its_owner_is_covered_before_that_of_other_accounts(labs: str, commitment: str, hourly: D) -> None:
    """https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html: the owner's account first."""
    jobs = [job | {"labels": {"party": "lab" if job["id"] == labs else "lab-uk"}} for job in JOBS]
    case = february(plan_of(commitment, **OF_LAB), jobs, days=2)
    found = solved(case)
    assert abs(found.cost - 48 * hourly) < D("0.00001")
    assert Oracle(case).solve() == pytest.approx(float(48 * hourly))


def test_a_plan_after_one_that_has_an_owner_has_none_or_the_same() -> None:
    """5 an hour cover 7.14 R5 of 0.70: 3 of the owner's, 4.14 of the other's; the second, after it, 1.40 for 2 more."""
    jobs = [needs(f"r-{n}", f"{n} GPU", "R5") | {"labels": {"party": p}} for n, p in ((3, "lab"), (9, "lab-uk"))]
    rates = {"r5": RATES["r5"]}
    second = plan_of("1.40", rates, after=["plan"]) | {"id": "second"}
    deal = agreement(plan_of("5", rates, **OF_LAB), second, effective="2026-02-01", ends="2026-03-01")
    found = solved(build(OFFERS[:1], jobs, deal, horizon=FEBRUARY))
    assert abs(found.cost - 672 * (D("6.4") + 12 - D("6.4") / D("0.7"))) < D("0.00001")
    others = agreement(plan_of("5", rates), second | OF_LAB, effective="2026-02-01", ends="2026-03-01")
    (only,) = mistakes(data_of(OFFERS[:1], jobs, others, horizon=FEBRUARY))
    assert only.startswith("`plan` comes first, and how much of `r5` it covers for `party: lab` is not known")


@pytest.mark.parametrize(
    ("commitment", "hourly", "days"),
    [
        # R5 first, by percentage: 4 x 0.70 = 2.80; what is left covers 3.20 / 8.20 of the M5, and 10 x 5.00 / 8.20
        # is paid besides: 12.0976. By the money saved, M5 first, it would be 12.68
        ("6", 6 + D(50) / D("8.2"), 28),
        # all is covered: 2.80 + 8.20
        ("11", D(11), 2),
        # and 1 an hour is lost
        ("12", D(12), 2),
        # R5 in part: 1.40 / 0.70 = 2 of 4
        ("1.40", D("1.4") + 2 + 10, 2),
        ("0", D(14), 2),
    ],
)
def test_it_covers_by_savings_percentage_the_last_in_part(commitment: str, hourly: D, days: int) -> None:
    """https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html."""
    case, hours = february(plan_of(commitment), days=days), 24 * days
    found = solved(case)
    assert abs(found.cost - hours * hourly) < D("0.00001")
    assert abs(charged(found, "plan") - hours * (hourly - 14)) < D("0.00001")
    assert Oracle(case).solve() == pytest.approx(float(hours * hourly))


def test_an_hour_that_uses_less_loses_the_rest() -> None:
    """8 GPUs in the first half of the month and none in the second: 2.80 an hour cover 4 of them, or nothing."""
    demand = {"rate": {"2026-02-01": "8 GPU", "2026-02-15": "0 GPU"}}
    case = february(plan_of("2.80", {"r5": RATES["r5"]}), [needs("a", demand, "R5")], OFFERS[:1])
    found = solved(case)
    # 336 hours of 2.80 + 4 x 1.00, and 336 of 2.80; on average over the month 4 GPUs would all be covered
    assert found.cost == D(336) * D("6.80") + D(336) * D("2.80")
    (month,) = (s for s in found.standings if s.role == "paid")
    assert (month.amount, month.drawn) == (D(672) * D("2.80"), D(336) * D("2.80"))


def test_a_plan_that_is_paid_for_draws_work_to_it() -> None:
    """South costs 0.80; North 1.00, or 0.70 inside of a plan that is paid for in any case."""
    offers = [gpus("north", 1, id="r5", accelerator="R5"), gpus("south", "0.80", accelerator="R5")]
    found = solved(february(plan_of("1.40", {"r5": RATES["r5"]}), [needs("a", "4 GPU", "R5")], offers))
    assert placed(found) == {"r5": D(2 * 672), "south-gpus": D(2 * 672)}
    assert found.cost == 672 * (D("1.40") + 2 * D("0.80"))


def test_use_that_costs_nothing_needs_no_cover() -> None:
    """2 GPUs at 1.00 and 3 that are free for an hour: 1.40 of the 6.00 are used, and saved is what the two cost."""
    case = february(plan_of("6"))
    (plan,) = case.signed
    totals = Totals(plan.meters())
    begin = day("2026-02-01")
    end = begin + timedelta(hours=1)
    for offer, taken, listed in (("r5", 2, 2), ("m5", 3, 0)):
        facts = case.offer_facts[offer]
        totals.add(RatedUse(Use("idle", None, facts, begin, end, D(taken), D(taken), D(listed)), D(listed)))
    (standing,) = plan.settle(totals, Decisions(), end).standings
    assert (standing.drawn, standing.accruing) == (D("1.4"), 6 - 2)


def test_idle_machines_are_covered_as_used_ones() -> None:
    """A machine of 8 of which 6 are used: 4 of 8 GPUs are covered for 2.80 an hour."""
    offers = [gpus("north", 1, id="r5", accelerator="R5", unit=8)]
    found = solved(february(plan_of("2.80", {"r5": RATES["r5"]}), [needs("a", "6 GPU", "R5")], offers))
    assert found.cost == 672 * D("6.80")


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (
            plan_of("6", {"r5": "1.20 USD per GPU-hour"}),
            "is more than `r5` costs: 1.00 USD; write that price where",
        ),
        (plan_of("6", {"r5": "0.70 USD per Mtok"}), "`r5` has no one price per Mtok"),
        (plan_of("6", {"r6": "0.70 USD per GPU-hour"}), "`r6`"),
        (
            {"id": "p", "kind": "savings-plan", "commitment": "6 USD", "rates": RATES},
            "write for example `6 USD per hour`",
        ),
    ],
)
def test_what_makes_no_sense(term: Data, said: str) -> None:
    found = mistakes(data_of(OFFERS, JOBS, agreement(term)))
    assert any(said in each for each in found), found


def test_a_discount_on_what_it_covers_is_refused_with_the_form_that_gives_its_amount() -> None:
    """10% off both: nine tenths of 12.0976 an hour, by its prices after it."""
    off = {"id": "edp", "kind": "discount", "off": "10%"}
    (only,) = mistakes(data_of(OFFERS, JOBS, agreement(plan_of("6"), off)))
    assert "`edp` changes the price of `r5`, which the plan covers" in only
    assert "in `commitment`, in `rates` and as `price` of these offers" in only
    less = [each | {"price": f"{price} USD per GPU-hour"} for each, price in zip(OFFERS, ("0.90", "9.00"), strict=True)]
    after = {"r5": "0.63 USD per GPU-hour", "m5": "7.38 USD per GPU-hour"}
    deal = agreement(plan_of("5.4", after), effective="2026-02-01", ends="2026-03-01")
    found = solved(build(less, JOBS, deal, horizon=FEBRUARY))
    assert found.cost == pytest.approx(672 * D("0.9") * (6 + 10 - D(32) / D("8.2")))


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        ("0.70 USD per GPU-hour", 672 * D("4.20")),  # 6 at 0.70, four of them covered by 2.80: it saves nothing
        # from the 15th on a plan of 2.80 at 0.70 still covers four, which cost 2 outside
        ({"2026-02-01": "1 USD per GPU-hour", "2026-02-15": "0.50 USD per GPU-hour"}, 336 * (D("4.80") + D("3.80"))),
    ],
)
def test_a_rate_may_be_the_price_and_a_price_may_fall_below_it(price: Any, cost: D) -> None:
    offers = [OFFERS[0] | {"price": price}]
    found = solved(february(plan_of("2.80", {"r5": RATES["r5"]}), [needs("a", "6 GPU", "R5")], offers))
    assert found.cost == cost


def test_a_price_from_before_the_plan_or_after_it_is_no_price_that_it_saves_of() -> None:
    """R5 were 5.00 until 2025, are 0.50, and in March 5.00 again: 0.70 is a mistake from February until March."""
    price = {"2020-01-01": "5 USD per GPU-hour", "2025-02-03": "0.50 USD per GPU-hour"}
    own = {"r5": RATES["r5"]}

    def said(later: Data) -> list[str]:
        deal = agreement(plan_of("1.40", own), effective="2026-02-01", ends="2026-03-01")
        return mistakes(data_of([OFFERS[0] | {"price": price | later}], JOBS[:1], deal, horizon=FEBRUARY))

    more = "0.7 USD per GPU-hour in the plan is more than `r5` costs: 0.50 USD"
    assert more in said({})[0]
    assert more in said({"2026-03-01": "5 USD per GPU-hour"})[0]
    assert not said({"2026-02-15": "1 USD per GPU-hour"})  # it saves from then on


def test_a_way_out_of_a_cap_below_its_commitment_is_to_commit_less() -> None:
    """1.40 in each of 96 hours are 134.40 USD, of which a cap leaves 100."""
    jobs = [JOBS[0] | {"value": "0.10 USD per GPU-hour"}]
    cap: Data = {"id": "budget", "kind": "spending-cap", "amount": "100 USD", "measure": "after-plans"}
    of_days = {"effective": "2026-02-01", "ends": "2026-02-05"}
    deals = agreement(plan_of("1.40", {"r5": RATES["r5"]}), **of_days), agreement(cap, party="self", **of_days)
    found = refused(
        build(OFFERS[:1], jobs, *deals, horizon={"start": "2026-02-01", "end": "2026-02-05", "every": "day"})
    )
    said = {way.term: way.sentence for way in found.relaxations}
    assert said["plan"].startswith("commit 34.40 USD less (")
    assert said["budget"].startswith("raise the cap by 34.40 USD")


@pytest.mark.parametrize("narrow", [{"accelerator": "R5"}, {"offer": "r5"}, {"product": "gpu", "provider": "north"}])
def test_a_plan_for_all_may_come_before_one_that_is_narrower_by_what_an_offer_is(narrow: Data) -> None:
    """4.00 an hour cover four R5 at 0.60 and 1.60 of the M5; of the R5 nothing is left for the other's 1.00."""
    wide = plan_of("4", {"r5": "0.60 USD per GPU-hour", "m5": RATES["m5"]})
    other = plan_of("1", {"r5": RATES["r5"]}, id="y1", after=["plan"], of=narrow)
    deal = agreement(wide, other, effective="2026-02-01", ends="2026-03-01")
    found = solved(build(OFFERS, JOBS, deal, horizon=FEBRUARY))
    assert found.cost == pytest.approx(672 * (5 + 10 * (1 - D("1.6") / D("8.2"))))


def test_a_commitment_counts_what_it_covers_at_list_price_or_not_at_all() -> None:
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "5 k USD", "measure": "after-discounts"}
    (only,) = mistakes(data_of(OFFERS, JOBS, agreement(plan_of("6"), floor)))
    assert "`plan` charges for use that `floor` counts, and not by the use" in only
    assert solved(february(plan_of("6"), id="deal")).cost
    at_list = agreement(plan_of("6"), floor | {"measure": "list"}, effective="2026-02-01", ends="2026-03-01")
    (window,) = solved(build(OFFERS, JOBS, at_list, horizon=FEBRUARY)).commitments
    assert window.drawn == D(672 * 14)


# -- what is covered twice ---------------------------------------------------------------------------------------------
def _beside(other: Data) -> list[str]:
    plan: Data = {"id": "plan", "kind": "savings-plan", "commitment": "4 USD per hour"}
    plan |= {"rates": {"north-gpus": "1 USD per GPU-hour"}}
    return mistakes(data_of([gpus("north", 3)], [compute()], agreement(plan, {"id": "other"} | plan | other)))


def test_two_plans_for_one_use_without_an_order_are_refused() -> None:
    (one, two) = _beside({"id": "other"})
    assert one.startswith("`plan` and `other` both cover `north-gpus`, and which of them comes first is not said")
    assert "say `after: [other]`" in one
    assert two.startswith("`other` and `plan` both cover")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"after": ["plan"]}, None),
        ({"after": ["other"]}, "`other` comes after `other` itself"),
        ({"after": ["edp"]}, "there is no savings plan `edp` with `north`"),
        # it covers less than the plan that comes first: which part of what that covers is its own is not said
        ({"after": ["plan"], "of": {"workload": "research"}}, "may cover use of `north-gpus` that `other` does not"),
    ],
)
def test_the_order_of_plans_must_make_sense(more: Data, said: str | None) -> None:
    found = _beside({"id": "other"} | more)
    assert any(said in each for each in found) if said else not found


def test_plans_that_come_after_each_other_are_refused() -> None:
    rates = {"north-gpus": "1 USD per GPU-hour"}
    each = [plan_of("4", rates, id=name, after=[other]) for name, other in (("a", "b"), ("b", "a"))]
    found = mistakes(data_of([gpus("north", 3)], [compute()], agreement(*each)))
    assert any("`b` comes after `a` itself" in said for said in found)


# -- in their order ------------------------------------------------------------------------------------------------
def in_order(prices: list[int], need: list[int], *plans: Data, every: str = "day", ends: str = "2026-03-01") -> Case:
    """GPUs of several kinds at North in February, or from its first day on, so many of each."""
    offers = [gpus("north", price, id=f"o{n}", accelerator=f"A{n}") for n, price in enumerate(prices)]
    jobs = [needs(f"w{n}", f"{count} GPU", f"A{n}") for n, count in enumerate(need)]
    deal = agreement(*plans, effective="2026-02-01", ends=ends)
    return build(offers, jobs, deal, horizon=FEBRUARY | {"every": every, "end": ends})


def rate(**prices: str) -> Data:
    return {offer: f"{price} USD per GPU-hour" for offer, price in prices.items()}


@pytest.mark.parametrize(
    ("prices", "need", "plans", "hourly"),
    [
        # the first covers 1 of 3 at 4.00; the other the five at 2.00 (40% off, not 35%) as far as 5.00 goes: 5 / 1.20
        (
            [4, 2],
            [3, 5],
            [plan_of("2", rate(o0="2")), plan_of("5", rate(o0="2.60", o1="1.20"), id="b", after=["plan"])],
            7 + 2 * 4 + (5 - D(5) / D("1.2")) * 2,
        ),
        # the first takes all of o0, where it saves 50%, though o1 alone would leave o0 to the other, which saves 80%
        (
            [10, 10],
            [1, 1],
            [plan_of("2", rate(o0="2", o1="9"), id="b", after=["plan"]), plan_of("5", rate(o0="5", o1="6"))],
            7 + (1 - D(2) / 9) * 10,
        ),
        # three, one after the other: 1, 2 / 6 and 1 / 7 of two
        (
            [10, 10],
            [2, 1],
            [
                plan_of("5", rate(o0="5")),
                plan_of("2", rate(o0="6"), id="b", after=["plan"]),
                plan_of("1", rate(o0="7", o1="8"), id="c", after=["b"]),
            ],
            8 + (1 - D(1) / 3 - D(1) / 7) * 10 + 10,
        ),
        # all of it is covered by the first, and the other's money is lost
        ([10], [1], [plan_of("6", rate(o0="5")), plan_of("2", rate(o0="5"), id="b", after=["plan"])], D(8)),
    ],
)
def test_the_second_covers_what_the_first_leaves(
    prices: list[int], need: list[int], plans: list[Data], hourly: D
) -> None:
    case = in_order(prices, need, *plans, ends="2026-02-03")
    assert solved(case).cost == pytest.approx(48 * hourly)
    assert Oracle(case).solve() == pytest.approx(float(48 * hourly))


def test_a_plan_that_comes_first_for_a_part_of_a_month() -> None:
    """Half of February as above, 14.7778 an hour; then the other alone covers a whole o0: 2 and 10 an hour."""
    first = plan_of("5", rate(o0="5", o1="6"), until="2026-02-15")
    case = in_order([10, 10], [1, 1], first, plan_of("2", rate(o0="2", o1="9"), id="b", after=["plan"]), every="month")
    assert solved(case).cost == pytest.approx(336 * (7 + (1 - D(2) / 9) * 10) + 336 * D(12))
    # and without the first, so does the whole of February
    assert solved(case.under(without=["plan"])).cost == pytest.approx(672 * D(12))


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "credit", "rate": "50%"},
        {"kind": "volume-discount", "method": "all-units", "tiers": [{"from": "1 USD", "off": "50%"}]},
        {"kind": "service-credit", "bands": [{"below": "99%", "credit": "50%"}]},
    ],
)
def test_what_a_plan_covers_has_no_spend_of_its_own(other: Data) -> None:
    """Such a part of its list price, beside what the plan saves of it, would be more than it costs."""
    plan: Data = {"id": "plan", "kind": "savings-plan", "commitment": "4 USD per hour"}
    plan |= {"rates": {"north-gpus": "1 USD per GPU-hour"}}
    (only,) = mistakes(data_of([gpus("north", 3)], [compute()], agreement(plan, {"id": "part"} | other)))
    assert only.startswith("`plan` charges for use that `part` counts, and not by the use; leave that use out")


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ({"kind": "share", "on": {"offer": "m5"}, "at-most": "95%", "measure": "spend"}, True),
        ({"kind": "share", "on": {"offer": "m5"}, "at-most": "95%", "measure": "list"}, False),
        ({"kind": "share", "on": {"offer": "m5"}, "at-most": "95%", "measure": "taken"}, False),
        ({"kind": "liquidated-damages", "price": "1 USD per GPU-hour"}, False),
        ({"kind": "warrants", "tranches": [{"reach": "9 GPU-hour", "shares": 1}]}, False),
        ({"kind": "warrants", "tranches": [{"reach": "9 k USD", "shares": 1}]}, True),
        ({"kind": "liquidated-damages", "rate": "10%"}, True),
        ({"kind": "liquidated-damages", "rate": "10%", "measure": "list"}, False),
        ({"kind": "warrants", "tranches": [{"reach": "9 k USD", "shares": 1}], "measure": "list"}, False),
        ({"kind": "spending-cap", "amount": "6720 USD", "of": {"offer": "m5"}}, False),  # all that M5 costs in February
    ],
)
def test_what_does_not_turn_on_that_spend_stands_beside_a_plan(other: Data, refused: bool) -> None:
    """A cap, damages by rate, warrants in money and a share of spend took such use at its list price."""
    deal = agreement(
        plan_of("1.40", {"r5": RATES["r5"]}), {"id": "part"} | other, effective="2026-02-01", ends="2026-03-01"
    )
    offers, work = OFFERS[:2], [needs("a", "4 GPU", "R5"), needs("b", "1 GPU", "M5")]
    found = mistakes(data_of(offers, work, deal, horizon=FEBRUARY | {"every": "day"}))
    said = "`plan` charges for use that `part` counts, and not by the use; say `measure: list`, so that it counts at"
    assert [said in one for one in found] == [True] * refused


@pytest.mark.parametrize(("every", "noted"), [("hour", False), ("day", True), ("week", True), ("typical", True)])
def test_what_a_coarse_plan_does_not_see_is_told(every: str, noted: bool) -> None:
    """8 GPUs by day and none by night: 2.80 an hour cover 4 of them by day, which a plan takes for 4 at all times."""
    shape = {"rate": "4 GPU", "profile": {"weekend": "100%", "hours": ["200%"] * 12 + ["0%"] * 12}}
    horizon = FEBRUARY | ({"every": "hour", "typical": "week"} if every == "typical" else {"every": every})
    deal = agreement(plan_of("2.80", {"r5": RATES["r5"]}), effective="2026-02-01", ends="2026-03-01")
    case = build(OFFERS[:1], [needs("a", shape, "R5")], deal, horizon=horizon)
    hourly = D("6.80") + D("2.80") if not noted else 2 * D("2.80")
    assert solved(case).cost == 336 * hourly
    told = [note.what for note in notes(case)]
    assert [("`plan` counts by the hour" in what, "the demand of `a`" in what) for what in told] == [
        (True, True)
    ] * noted
    flat = build(OFFERS[:1], [needs("a", "4 GPU", "R5")], deal, horizon=horizon)
    assert notes(flat) == ()


def test_a_plan_may_come_after_one_of_another_agreement_with_the_same_party() -> None:
    """3 GPUs at 4.00 and 5 at 2.00: signed one after the other, or in one paper, the plans cover and cost the same."""
    first, then = plan_of("2", rate(o0="2")), plan_of("5", rate(o0="2.60", o1="1.20"), id="b", after=["plan"])
    together = solved(in_order([4, 2], [3, 5], first, then))
    whole = in_order([4, 2], [3, 5], first)
    data = data_of(
        [gpus("north", price, id=f"o{n}", accelerator=f"A{n}") for n, price in enumerate([4, 2])],
        [needs(f"w{n}", f"{count} GPU", f"A{n}") for n, count in enumerate([3, 5])],
        agreement(first, effective="2026-02-01", ends="2026-03-01"),
        agreement(then, effective="2026-02-01", ends="2026-03-01") | {"id": "second"},
        horizon=FEBRUARY | {"every": "day"},
    )
    apart = solved(Case.of(data))
    assert apart.cost == together.cost < solved(whole).cost
    assert [(s.term, s.drawn) for s in apart.standings] == [(s.term, s.drawn) for s in together.standings]
    data["agreements"][1]["with"] = "south"
    assert any(said.startswith("there is no savings plan `plan` with `south`") for said in mistakes(data))
