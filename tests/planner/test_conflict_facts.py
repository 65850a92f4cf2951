"""Facts in a conflict: what is no clause and plays a part, alone or only together, and what nobody sells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.planner.check import check
from detente.planner.conflict_facts import facts_of
from detente.planner.conflict_lifted import fewest
from detente.planner.formulation.owner import Owner
from detente.planner.open_program import OpenProgram
from detente.planner.solving.search import Progress
from detente.planner.study import Study
from tests.builders import Data, agreement, build, compute, gpus, refused, tokens, work

ONLY: Data = {"id": "only", "kind": "exclusivity"}
SERVED = "`{}` must be served: it has no `value`, so it cannot go unserved"


def test_a_provider_that_may_serve_and_sells_nothing_that_would() -> None:
    """Exclusivity of the north, which has other accelerators only; the south has the right ones, and may not."""
    offers = [gpus("north", 2, accelerator="A100"), gpus("south", 3)]
    other = compute("render", **{"runs-on": {"accelerators": {"A100": 1}}})
    case = build(offers, [compute(), other], agreement(ONLY), months=1)
    found = refused(case)
    assert [clash.term for clash in found.clauses] == ["only"]
    assert found.facts == (
        SERVED.format("research"),
        "`north` sells nothing that `research` runs on (H100) where it may run",
    )
    assert check(case).conflict == found


def test_facts_that_matter_only_together() -> None:
    """Two workloads must be in the north, which has room for half of each: nothing alone cures it, and all is named."""
    offers = [
        tokens("north", 3, capacity="1 Mtok per hour"),
        tokens("north", 3, id="north-other", model="n", capacity="1 Mtok per hour"),
        tokens("south", 2),
        tokens("south", 2, id="south-other", model="n"),
    ]
    mail = work("mail", "1500 Mtok per month", **{"runs-on": {"models": ["n"]}})
    found = refused(build(offers, [work("chat", "1500 Mtok per month"), mail], agreement(ONLY), months=1))
    assert [clash.term for clash in found.clauses] == ["only"]
    demand, capacity = found.facts  # one of the two that collide with the clause; the other does as well
    assert demand == "`mail` must be served: it has no `value` (1.50 k Mtok in all)"
    assert capacity == "`north-other` has no more capacity (1 Mtok per hour: 744.00 Mtok in all)"


def test_facts_that_are_not_settled_in_time_are_left_out() -> None:
    """Not told: that there is no more of the work, which is what is left where nothing was found to cure it."""
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "10 k USD", "shortfall": "forbidden"}
    case = build([gpus("north", 1)], [compute()], agreement(floor), months=1)  # 7,440 USD
    study = Study.of(case)
    assert facts_of(study, case.terms, None) != []
    with study.program.model.until(0.0):  # of a clock that began long ago
        assert facts_of(study, case.terms, None) == []


def test_an_offer_that_ends_is_not_said_to_be_full() -> None:
    early = tokens("north", 3, until="2026-03-01")
    found = refused(build([early, tokens("south", 2)], [work()], agreement(ONLY), months=4))
    assert found.facts == (
        SERVED.format("chat"),
        "`north-api` is not on offer from 2026-03-01 on",
    )


def test_capacity_that_is_bought_in_units_is_named() -> None:
    """10 GPUs are needed, and there are 2 and 6: more of either would do. By the hour, and reserved."""
    for more in ({}, {"buy": "reserved", "term": "1 month"}):
        offers = [gpus("north", 3, capacity="2 GPU", **more), gpus("south", 2, capacity="6 GPU", **more)]
        assert refused(build(offers, [compute()], months=1)).facts == (
            SERVED.format("research"),
            "`north-gpus` has no more capacity (2 GPU)",
            "`south-gpus` has no more capacity (6 GPU)",
        )


def test_capacity_that_changes_is_told_with_every_size() -> None:
    only = gpus("north", 3, capacity={"2026-01-01": "2 GPU", "2026-02-01": "6 GPU", "2026-03-01": "2 GPU"})
    found = refused(build([only], [compute()], months=4))
    assert found.facts[1:] == ("`north-gpus` has no more capacity (2 GPU or 6 GPU)",)


def test_capacity_in_steps_is_named() -> None:
    """A unit takes 1 Mtok an hour; 4 are needed, and a purchase of 2, 3 or more is at most 3."""
    offer = {
        "id": "ptu",
        "kind": "provisioned",
        "provider": "north",
        "region": "dublin",
        "model": "m",
        "throughput": "1 Mtok per hour",
        "minimum": 2,
        "price": "1 USD per unit-hour",
        "capacity": "3 units",
    }
    found = refused(build([offer], [work(demand="4 Mtok per hour")], months=1))
    assert found.facts == (SERVED.format("chat"), "`ptu` has no more capacity (3 units)")


@pytest.mark.parametrize(
    ("work_", "capacity", "said"),
    [("1 k GPU-hour", 12, "has no more than 12 GPU"), ("12 k GPU-hour", 24, "has room for 1 at a time (24 GPU)")],
)
def test_a_gang_for_which_there_is_no_room_is_named(work_: str, capacity: int, said: str) -> None:
    """One gang of 16 comes to 11,904 GPU-hours in January, whatever is left beside it."""
    job = {
        "id": "train",
        "kind": "training",
        "work": work_,
        "gang": "16 GPU",
        "deadline": "2026-02",
        "runs-on": {"accelerators": {"H100": 1}},
    }
    found = refused(build([gpus("north", 3, capacity=f"{capacity} GPU")], [job], months=1))
    assert found.facts == (
        SERVED.format("train"),
        f"`train` runs as a whole gang (16 GPU), or not at all, and `north-gpus` {said}",
    )


def test_an_offer_that_its_gangs_fill_is_named() -> None:
    """Two gangs of 16 for January are 23,808 GPU-hours: neither more GPUs nor smaller gangs alone are enough."""
    train = {"kind": "training", "work": "30 k GPU-hour", "gang": "16 GPU", "deadline": "2026-02"}
    job = {"id": "train", **train, "runs-on": {"accelerators": {"H100": 1}}}
    found = refused(build([gpus("north", 3, capacity="32 GPU")], [job], months=1))
    assert found.facts == (SERVED.format("train"), "`north-gpus` has no more capacity (32 GPU)")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "no capacity by the hour may stand idle (`idle: reserved`); with `idle: allowed` `floor` can be met"),
        ({"capacity": "9 GPU"}, "`north-gpus` has no more capacity (9 GPU: 6.70 k GPU-hours in all)"),
    ],
)
def test_of_a_floor_that_all_its_work_does_not_fill_the_work_is_told(more: Data, said: str) -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "12 GPU", "shortfall": "forbidden"}
    case = build([gpus("north", 2, **more)], [compute(demand="9 GPU")], agreement(floor), months=1)
    found = refused(case)
    assert found.facts == (
        "`research` is work that it covers (6.70 k GPU-hours in all), and there is no more of it",
        said,
    )
    with_idle = check(
        build([gpus("north", 2, **more)], [compute(demand="9 GPU")], agreement(floor), months=1, idle="allowed")
    )
    assert with_idle.answer == ("no" if more else "yes")


def test_times_in_which_nothing_is_available_are_named() -> None:
    """North ends with February, South begins with April; or a week is reserved, once a month."""
    offers = [gpus("north", 3, until="2026-03-01"), gpus("south", 2, **{"from": "2026-04-01"})]
    found = refused(build(offers, [compute()], months=5))
    assert found.facts == (SERVED.format("research"), "nothing that `research` may run on is available in Mar 2026")

    week = gpus("north", 3, buy="reserved", term="1 week")
    daily = {"start": "2026-01-01", "end": "2026-01-11", "every": "day"}
    assert refused(build([week], [compute()], horizon=daily)).facts == (
        SERVED.format("research"),
        "nothing that `research` may run on is available in 2026-01-08 to 2026-01-10",
        "`north-gpus` is reserved for 1 week, and begins in the first period of a month "
        "(unless `starts` says other days)",
    )


# -- the deletion filter ----------------------------------------------------------------------------------------------
OWNERS = [Owner("term", f"t{n}") for n in range(64)]


@dataclass
class Colliding:
    """It is known which sets of clauses cannot be met together."""

    sets: list[set[Owner]]
    tried: list[int] = field(default_factory=list)

    def cured(self, out: Sequence[Owner]) -> bool:
        self.tried.append(len(out))
        return all(each.intersection(out) for each in self.sets)


def one_by_one(study: Colliding, owners: Sequence[Owner]) -> list[Owner]:
    dropped: list[Owner] = []
    for owner in owners:
        if not study.cured([*dropped, owner]):
            dropped.append(owner)
    return [owner for owner in owners if owner not in dropped]


@given(st.integers(1, 12), st.data())
@settings(deadline=None, derandomize=True, database=None)
def test_by_halves_the_same_are_needed_as_one_by_one(count: int, data: st.DataObject) -> None:
    owners = OWNERS[:count]
    some = st.sets(st.sampled_from(owners), min_size=1)
    study = Colliding(data.draw(st.lists(some, min_size=1, max_size=4)))
    assert fewest(owners, study.cured) == one_by_one(study, owners)


def test_two_of_sixty_four_are_found_in_few_tries() -> None:
    study = Colliding([{OWNERS[5], OWNERS[40]}])
    assert fewest(OWNERS, study.cured) == [OWNERS[5], OWNERS[40]]
    assert len(study.tried) < 20


def test_a_floor_is_not_filled_by_less_work_on_however_many_offers() -> None:
    """5 GPUs for three months at 3 USD are 32,400 USD. Without its demand the work was taken to run on each offer."""
    offers = [gpus("north", price, id=f"north-{price}") for price in (1, 2, 3)]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "40 k USD", "shortfall": "forbidden"}
    assert refused(build(offers, [compute(demand="5 GPU")], agreement(floor), months=3)).facts == (
        "`research` is work that it covers (10.8 k GPU-hours in all), and there is no more of it",
        "no capacity by the hour may stand idle (`idle: reserved`); with `idle: allowed` `floor` can be met",
    )


def test_two_floors_that_one_work_does_not_fill_tell_it_and_a_floor_against_exclusivity_does_not() -> None:
    """1000 Mtok a month for two months are 6,000 USD in the north, or 4,000 in the south; 5,000 and 2,000 take more."""
    offers, south = [tokens("north", 3), tokens("south", 2)], {"id": "south-floor", "amount": "2 k USD"}
    floor: Data = {"kind": "minimum-commitment", "shortfall": "forbidden"}
    there = agreement(floor | south, party="south")
    both = agreement(floor | {"id": "north-floor", "amount": "5 k USD"}), there
    assert refused(build(offers, [work()], *both, months=2)).facts == (
        "`chat` is work that they cover (2.00 k Mtok in all), and there is no more of it",
    )
    assert refused(build(offers, [work()], agreement(ONLY), there, months=2)).facts == ()


def test_what_cures_a_conflict_does_so_in_whole_units() -> None:
    """January's gang of 8 fills the south, and 5 GPUs cost 5 x 744 in the north, over the cap with March's as many.

    Without `other` a part of a gang would leave them room in the south; with whole ones there is none.
    """
    offers = [gpus("north", 1), gpus("south", 2, capacity="8 GPU", until="2026-03-01")]
    train = {"id": "train", "kind": "training", "work": "3 k GPU-hour", "gang": "8 GPU", "deadline": "2026-02-01"}
    jobs = [compute("chat", "5 GPU"), compute("other"), train | {"runs-on": {"accelerators": {"H100": 1}}}]
    cap = agreement({"id": "cap", "kind": "spending-cap", "amount": "5 k USD"})
    assert SERVED.format("other") not in refused(build(offers, jobs, cap, months=3)).facts
    assert check(build(offers, [jobs[0], jobs[2]], cap, months=3)).answer == "no"


def test_an_offer_that_ends_is_named_only_where_it_would_do_at_its_price() -> None:
    """All runs in the north: two months at 3 USD, and March at 9, are 15,000. At 3 March would make it 9,000."""
    offers = [tokens("north", 3, until="2026-03-01"), tokens("north", 9, id="dear"), tokens("south", 2)]
    ends = "`north-api` is not on offer from 2026-03-01 on"
    for amount, told in (("8 k USD", False), ("9 k USD", True)):
        clauses = agreement(ONLY, {"id": "cap", "kind": "spending-cap", "amount": amount})
        found = refused(build(offers, [work()], clauses, months=3))
        assert [clash.term for clash in found.clauses] == ["only", "cap"]
        assert (ends in found.facts) == told, amount


MINIMUM = {"id": "floor", "kind": "minimum-commitment", "shortfall": "forbidden"}
ENDS, BEGINS = {"until": "2026-04-01"}, {"from": "2026-04-01"}


@pytest.mark.parametrize(("open_", "when"), [(ENDS, "from 2026-04-01 on"), (BEGINS, "before 2026-04-01")])
@pytest.mark.parametrize("amount", ["12 k USD", "4 k Mtok"])
def test_a_floor_that_fails_because_its_offer_is_closed_is_told_so(open_: Data, when: str, amount: str) -> None:
    """1,000 Mtok a month at 3 USD: three months are 9,000 USD and 3,000 Mtok, and six would be 18,000 and 6,000."""
    offers = [tokens("north", 3, **open_), tokens("south", 2)]
    case = build(offers, [work()], agreement(MINIMUM | {"amount": amount}), months=6)
    assert refused(case).facts == (f"`north-api` is not on offer {when}",)


def test_of_a_floor_above_all_its_work_it_is_not_told() -> None:
    """Six months come to 18,000 USD: that the offer ends in April does not matter."""
    offers = [tokens("north", 3, **ENDS), tokens("south", 2)]
    case = build(offers, [work()], agreement(MINIMUM | {"amount": "18.1 k USD"}), months=6)
    assert refused(case).facts == ("`chat` is work that it covers (6.00 k Mtok in all), and there is no more of it",)


def test_offers_are_named_of_which_none_alone_would_do() -> None:
    """Two models, 1,000 Mtok a month of each at 3 USD: 18,000 of 30,000; with one of them until June it is 27,000."""
    offers = [
        each
        for model in ("m", "k")
        for each in (
            tokens("north", 3, id=f"north-{model}", model=model, **ENDS),
            tokens("south", 2, id=f"south-{model}", model=model),
        )
    ]
    works = [work(f"chat-{model}", **{"runs-on": {"models": [model]}}) for model in ("m", "k")]
    case = build(offers, works, agreement(MINIMUM | {"amount": "30 k USD"}), months=6)
    assert refused(case).facts == (
        "`north-m` is not on offer from 2026-04-01 on",
        "`north-k` is not on offer from 2026-04-01 on",
    )


def test_forty_closed_offers_are_opened_in_one_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are closed, the case is formulated once more: which of them matters is asked there."""
    made = list[Case]()
    formulated = OpenProgram.of

    def counted(case: Case, progress: Progress) -> OpenProgram:
        made.append(case)
        return formulated(case, progress)

    monkeypatch.setattr(OpenProgram, "of", counted)
    offers = [tokens("north", 3, id=f"n{i}", **ENDS) for i in range(40)]
    case = build([*offers, tokens("south", 2)], [work()], agreement(MINIMUM | {"amount": "12 k USD"}), months=6)
    (fact,) = refused(case).facts  # one sentence for all 40
    assert fact == "each of `n0`, `n1`, `n2` and 37 more is not on offer from 2026-04-01 on"
    assert len(made) == 2


# -- floors that no work fills ----------------------------------------------------------------------------------------
BY_INVOICE = "`floor` counts what is invoiced, and nothing is before 2026-02-01; with `moment: use` `floor` can be met"


@pytest.mark.parametrize("demand", ["10 GPU", "1000 GPU"])
@pytest.mark.parametrize(
    "floor",
    [
        {"amount": "5 k USD", "windows": {"every": "month"}, "shortfall": "forbidden"},
        {"amount": "20 k USD", "milestones": [{"by": "2026-02-01", "reach": "10 k USD"}]},
    ],
)
def test_of_a_floor_by_invoice_it_is_told_that_nothing_counts_before_the_first_and_no_work(
    demand: str, floor: Data
) -> None:
    """January's 10 GPUs at 2 USD are 14,880 USD, invoiced on February 1: nothing counts before, however many run."""
    clause = {"id": "floor", "kind": "minimum-commitment", "moment": "invoice"} | floor
    case = build([gpus("north", 2)], [compute(demand=demand)], agreement(clause), months=3)
    assert check(case).conflict.facts == (BY_INVOICE,)  # type: ignore[union-attr]
    used = agreement(clause | {"moment": "use"})
    assert check(build([gpus("north", 2)], [compute(demand=demand)], used, months=3)).answer == "yes"


def test_of_a_floor_by_purchase_the_days_are_told_on_which_reservations_begin() -> None:
    """30 k USD are to be bought each quarter; three months of 10 GPUs at 2 USD may be bought on April 1 alone.

    As it is used nothing would count before April either, so of the moment nothing is told.
    """
    quarter = {
        "amount": "30 k USD",
        "windows": {"every": "quarter"},
        "moment": "purchase",
        "shortfall": {"fee": "100%"},
    }
    reserved = gpus("north", 2, buy="reserved", term="3 months", starts=["2026-04-01"])
    clauses = agreement({"id": "floor", "kind": "minimum-commitment"} | quarter)
    case = build([reserved, gpus("south", 2)], [compute()], clauses, months=6)
    assert check(case).conflict.facts == (  # type: ignore[union-attr]
        "`north-gpus` is reserved for 3 months, and begins on the days of its `starts` (2026-04-01)",
    )
    del reserved["starts"]
    assert check(build([reserved, gpus("south", 2)], [compute()], clauses, months=6)).answer == "yes"


def test_of_a_floor_after_credits_the_work_is_told() -> None:
    """10 GPUs for six months at 3 USD are 130,320 USD, less 50,000: of 14 it would be 182,448, and 132,448 are left."""
    floor = MINIMUM | {"amount": "120 k USD", "measure": "after-credits"}
    clauses = agreement(floor, {"id": "gift", "kind": "credit", "amount": "50 k USD"})
    assert refused(build([gpus("north", 3)], [compute()], clauses, months=6)).facts == (
        "`research` is work that they cover (43.4 k GPU-hours in all), and there is no more of it",
    )
    assert check(build([gpus("north", 3)], [compute(demand="14 GPU")], clauses, months=6)).answer == "yes"


@pytest.mark.parametrize("value", [{}, {"value": "5 USD per GPU-hour"}])
def test_of_what_survives_no_value_is_told_where_it_cures_nothing(value: Data) -> None:
    """7 of 10 GPUs are to survive the loss of the north, and the south has 3. What goes unserved is lost as well."""
    offers, small = [gpus("north", 3)], gpus("south", 2, capacity="3 GPU")
    works = [compute(survives="70%", **value)]
    found = refused(build([*offers, small], works, months=2))
    assert found.facts == ("`south-gpus` has no more capacity (3 GPU)",)
    assert check(build([*offers, small | {"capacity": "7 GPU"}], works, months=2)).answer == "yes"


def test_work_that_has_a_value_is_not_said_to_have_none() -> None:
    """Nothing of what one provider sells survives its loss."""
    works = [compute(survives="30%", value="2.40 USD per GPU-hour")]
    assert refused(build([gpus("north", 2)], works, months=2)).facts == ()
