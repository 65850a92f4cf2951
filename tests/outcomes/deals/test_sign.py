"""Can we sign? A deal against the same case without it: hand-made, so that every figure can be done on paper."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from detente.case.case import Case
from detente.cli import cli
from detente.errors import CaseError, UnsettledError
from detente.outcomes.deals import sign as module
from detente.outcomes.deals.deal import BeforeAfter, DealAnswer, DealWay, ProviderMoved, UnderReading
from detente.outcomes.deals.sign import sign, with_and_without
from detente.report.outcomes.deal import changes, changing, provider_rows
from tests.builders import D, Data, agreement, data_of, gpus, tokens, work
from tests.report.read_page import Page

SPIRIT = {"api": ["stateless", "stateful"]}
ONLY = {
    "id": "only",
    "kind": "exclusivity",
    "readings": {"letter": {"of": {"api": "stateless"}}, "spirit": {"of": SPIRIT}},
}
FLOOR: Data = {
    "id": "floor",
    "kind": "minimum-commitment",
    "amount": "1 k USD",
    "windows": {"every": "term"},
    "shortfall": {"fee": "50%"},
}
END = "2026-03-01"


def world(*terms: Data, capacity: str | None = None, **deal: Any) -> Data:
    """North at 3 and South at 2, two months of 1000 Mtok of chat and of agents; the deal is a floor at South."""
    limit = {} if capacity is None else {"capacity": capacity}
    offers = [tokens("north", 3), tokens("south", 2, **limit)]
    works = [
        work(labels={"api": "stateless"}, value="10 USD per Mtok"),
        work("agents", labels={"api": "stateful"}, value="10 USD per Mtok"),
    ]
    more = {"id": "deal", "add": {"agreements": [agreement(*(terms or [FLOOR]), party="south", ends=END)]}, **deal}
    return data_of(offers, works, agreement(ONLY, ends=END), months=2, scenarios=[more], reading="letter")


def asked(data: Data, reading: str | None = None) -> DealAnswer:
    return sign(Case.of(data), "deal", reading, gap=1e-9)


def alone(found: DealAnswer) -> UnderReading:
    (row,) = found.readings
    return row


def way(row: UnderReading, kind: str) -> DealWay:
    (found,) = (each for each in row.ways if each.kind == kind)
    return found


def test_it_depends_on_the_reading_and_a_fee_is_a_breach_with_a_price() -> None:
    found = asked(world())
    letter, spirit = found.readings
    assert (found.answer, found.deal, found.folded) == ("depends", "deal", 0)
    assert (letter.reading, letter.word, letter.conflict, letter.ways) == ("letter", "yes", None, ())
    assert (spirit.reading, spirit.word) == ("spirit", "price")
    assert spirit.conflict is not None
    assert {clash.agreement: clash.term for clash in spirit.conflict.clauses} == {
        "north-deal": "only",
        "south-deal": "floor",
    }
    (fee,) = spirit.fees
    assert (fee.term, fee.agreement, fee.owed, [short for _, short in fee.windows]) == (
        "floor",
        "south-deal",
        500,
        [1000],
    )


def test_ways_out_differ_in_kind_and_cost_what_they_cost() -> None:
    row = alone(asked(world(), "spirit"))
    # all at North: 12000. Half of a thousand is owed, or nothing once the floor is lowered; 500 Mtok at South spend the
    # thousand and save 500; from February on all may run at South
    costs = {each.kind: tuple(round(x or D(0), 5) for x in (each.cost, each.more)) for each in row.ways}
    assert costs == {"pay": (12500, 500), "lower": (12000, 0), "carve-out": (11500, -500), "date": (10000, -2000)}
    assert [each.kind for each in row.ways] == ["date", "carve-out", "lower", "pay"]
    assert way(row, "date").sentence == "end `only` on 2026-02-01"
    assert way(row, "lower").sentence == "lower what `floor` asks by 1.00 k USD (Jan 2026 – Feb 2026: 1.00 k USD)"


def test_less_is_asked_for_by_enough() -> None:
    row = alone(asked(world(FLOOR | {"amount": "1231 USD"}), "spirit"))
    # whoever asks for 1.23 k USD less still asks for a USD that nobody spends
    assert way(row, "lower").sentence == "lower what `floor` asks by 1.24 k USD (Jan 2026 – Feb 2026: 1.24 k USD)"


def test_what_signing_changes() -> None:
    letter, spirit = asked(world()).readings
    assert letter.effect is not None
    assert spirit.effect is not None
    assert (letter.effect.cost.before, letter.effect.cost.after) == (10000, 10000)
    assert (spirit.effect.cost.before, spirit.effect.cost.after) == (12000, 12500)
    assert letter.effect.saves.vague or letter.effect.saves.amount == 0
    assert abs(spirit.effect.saves.amount + 500) < D("0.01")
    # 6000 of 10000 at North, 4000 at South: 60² + 40²
    assert letter.effect.concentration.after == D(5200)
    by_name = {each.provider: each for each in letter.effect.providers}
    assert (by_name["south"].spend.after, by_name["south"].share_of_work["Mtok"].after) == (4000, D("0.5"))
    # North can do what South does; what is exclusive to North nobody else may do
    assert by_name["south"].margin["Mtok"].after == 1
    assert by_name["north"].margin["Mtok"].after == 0


def test_the_spend_of_a_provider_with_work_in_two_units_is_shown_once() -> None:
    spend, part, nothing = (
        BeforeAfter(D(before), D(after)) for before, after in (("280000", "0"), ("0.5", "0"), (0, 0))
    )
    moved = ProviderMoved(
        "south", "South", spend, part, {"Mtok": part, "GPU-hour": nothing}, {"Mtok": nothing, "GPU-hour": part}
    )
    (letter, _) = asked(world()).readings
    assert letter.effect is not None
    assert provider_rows(replace(letter.effect, providers=(moved,)), "USD") == [
        ["South", "280 k USD", "0.00 USD", "", "", "", ""],
        ["South (Mtok)", "", "", "50%", "0%", "0%", "0%"],
        ["South (GPU-hour)", "", "", "0%", "0%", "50%", "0%"],
    ]


def test_a_deal_that_saves_and_binds() -> None:
    add = {
        "agreements": [
            {
                "id": "rate-deal",
                "with": "east",
                "effective": "2026-01-01",
                "ends": END,
                "terms": [FLOOR | {"amount": "3 k USD"}],
            }
        ],
        "offers": [tokens("east", 1, under="rate-deal")],
    }
    found = alone(asked(world() | {"scenarios": [{"id": "deal", "add": add}]}, "letter"))
    assert found.effect is not None
    # agents at East's 1 instead of South's 2 save 2000; the floor of 3000 is missed by a thousand: 500 are owed
    assert (found.word, found.effect.cost.after) == ("price", 10000 - 2000 + 500)
    assert found.effect.saves.amount == 1500
    (east,) = (each for each in found.effect.providers if each.provider == "east")
    assert (east.spend.before or 0, east.spend.after) == (0, 2000)


def test_what_is_forbidden_has_no_price() -> None:
    row = alone(asked(world(FLOOR | {"shortfall": "forbidden"}), "spirit"))
    assert (row.word, row.fees, row.effect) == ("no", (), None)
    assert {each.kind for each in row.ways} == {"lower", "carve-out", "date"}


def test_more_capacity_is_a_way_out() -> None:
    # South has 744 Mtok in January and 672 in February; 1000 of agents are to be bought in each month: 49% more
    monthly = FLOOR | {"amount": "2 k USD", "shortfall": "forbidden", "windows": {"every": "month"}}
    row = alone(asked(world(monthly, capacity="1 Mtok per hour"), "letter"))
    assert way(row, "capacity").sentence == "add 49% to the capacity of `south-api`"
    assert way(row, "capacity").cost == 2 * 5000


def test_another_clause_of_the_conflict_may_be_paid_or_ask_for_less() -> None:
    data = world(FLOOR | {"amount": "3 k USD"})
    del data["reading"]
    data["agreements"] = [agreement(FLOOR | {"id": "old", "amount": "9 k USD", "shortfall": {"fee": "100%"}}, ends=END)]
    for workload in data["workloads"]:
        del workload["value"]
    row = alone(asked(data))
    ways = {(each.kind, each.subject): each for each in row.ways}
    # 4000 Mtok: the old floor takes 3000, and the 1000 of the deal cost less to miss: 500. With 1500 for the deal 2500
    # are left to the old one, which misses 1500 USD
    assert [fee.owed for fee in row.fees] == [500]
    paid, lowered = ways["pay", "old"], ways["lower", "old"]
    assert paid.sentence.startswith("under `old`, accept a shortfall of 1.50 k USD against this commitment")
    assert lowered.sentence == "lower what `old` asks by 1.50 k USD (Jan 2026 – Feb 2026: 1.50 k USD)"
    assert (round(paid.cost or D(0), 5), round(lowered.cost or D(0), 5)) == (12_000, 10_500)


def test_a_yes_says_what_is_paid_where_that_is_cheaper_than_to_perform() -> None:
    data = world()
    del data["reading"]
    data["agreements"] = [agreement(FLOOR | {"amount": "3 k USD", "shortfall": {"fee": "10%"}}, id="deal", ends=END)]
    data["scenarios"] = []
    row = alone(asked(data))
    # 1000 Mtok at North instead of South would cost 1000 more: 10% of 3000 is cheaper
    assert (row.word, row.conflict, [fee.owed for fee in row.fees]) == ("yes", None, [300])
    assert row.effect is not None
    assert changing(row).endswith("with the fees paid")
    assert changes(row, row.effect, "USD")[1:3] == [
        "`floor` falls short; 300.00 USD are owed for it.",
        "That is cheaper than to perform every clause.",
    ]


def test_what_a_prepayment_gives_back_is_not_owed() -> None:
    prepaid = FLOOR | {"amount": "2.5 k USD", "windows": {"every": "month"}, "shortfall": {"charged-as": "prepayment"}}
    row = alone(asked(world(prepaid), "letter"))
    # agents come to 2000 in each month: 500 are charged for January and drawn in February, when 1000 are charged
    assert [(fee.owed, fee.missing) for fee in row.fees] == [(1000, 1500)]
    assert (way(row, "pay").cost, way(row, "lower").cost) == (11_000, 10_000)


def test_the_day_on_which_a_clause_may_end_is_one_for_whole_units() -> None:
    run = {"runs-on": {"accelerators": {"H100": 1}}, "value": "9 USD per GPU-hour"}
    works = [work(name, "1 GPU", labels={"of": name}, **run) for name in ("ours", "free")]
    for each in works:
        del each["mix"], each["value"]
    only: Data = {"id": "only", "kind": "exclusivity", "of": {"of": "ours"}}
    floor = FLOOR | {"amount": "6320 USD"}
    paper = [agreement(only, ends="2026-04"), agreement(floor, party="south", id="deal", ends="2026-04")]
    row = alone(sign(Case.of(data_of([gpus("north", 3), gpus("south", 2)], works, *paper, months=3)), "deal"))
    # 4320 without ours; March adds 1488, or, if units could be divided and stand idle, as much again
    assert way(row, "date").sentence == "end `only` on 2026-02-01"


def test_an_answer_has_rows_for_a_data_frame() -> None:
    found = asked(world())
    letter, spirit = found.rows()
    assert (letter["word"], letter["collide"], letter["saves"], letter["owed"]) == ("yes", [], 0, 0)
    assert (spirit["word"], sorted(spirit["collide"]), spirit["saves"], spirit["owed"]) == (
        "price", ["floor", "only"], -500, 500
    )  # fmt: skip
    assert (spirit["cost_without"], spirit["cost_with"], spirit["currency"]) == (12000, 12500, "USD")
    ways = found.rows("ways")
    with pytest.raises(CaseError, match="no rows of `nosuch`\n    choose from: `readings`, `ways`\n"):
        found.rows("nosuch")  # type: ignore[arg-type]
    assert [row["reading"] for row in ways] == ["spirit"] * len(found.readings[1].ways)
    assert ways[0]["cost"] - ways[0]["more"] == 12000


def test_what_collided_before_is_told_apart() -> None:
    data = world({"id": "fee", "kind": "payment", "amount": "7 USD", "on": "2026-01-05"})
    part = {"id": "part", "kind": "share", "at-least": "40%", "windows": {"every": "term"}}
    for workload in data["workloads"]:
        del workload["value"]  # all of it must be served
    data["agreements"] += [agreement(part, party="south", id="old", ends=END)]
    letter, spirit = sign(Case.of(data), "deal").readings
    assert (letter.word, letter.before, letter.aside) == ("yes", (), ())
    (before,) = spirit.before
    assert {clash.term for clash in before.clauses} == {"only", "part"}
    assert (spirit.word, spirit.conflict) == ("yes", None)
    assert spirit.aside in (("only",), ("part",))


def test_a_deal_that_collides_with_a_clause_which_collided_before_is_no_yes() -> None:
    # Without the deal chat is North's, and 4000 USD of agents miss South's floor of 5000: to let 500 Mtok of chat go is
    # the cheaper way out. A deal that makes chat South's passes once that is set aside; beside `only` it never can.
    floor = FLOOR | {"id": "old-floor", "amount": "5 k USD"}
    only: Data = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}
    theirs = only | {"id": "theirs"}
    offers, works = [tokens("north", 3), tokens("south", 2)], [work(), work("agents")]
    deal: Data = {"id": "deal", "add": {"agreements": [agreement(theirs, party="south", ends=END) | {"id": "new"}]}}
    old = [agreement(only, ends=END), agreement(floor, party="south", ends=END)]
    found = asked(data_of(offers, works, *old, months=2, scenarios=[deal]))
    row = alone(found)
    assert (found.answer, row.word, row.aside) == ("no", "no", ("old-floor",))
    assert row.conflict is not None
    assert {clash.term for clash in row.conflict.clauses} == {"only", "theirs"}
    assert [{clash.term for clash in each.clauses} for each in row.before] == [{"only", "old-floor"}]


def test_an_agreement_that_the_case_holds_is_a_deal_too() -> None:
    data = world()
    data["agreements"] += data.pop("scenarios")[0]["add"]["agreements"]
    found = sign(Case.of(data), "south-deal", "spirit", gap=1e-9)
    assert (found.answer, alone(found).effect.cost.before) == ("no", 12000)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("deal", "said"),
    [
        ("deel", "there is no file, and no scenario or agreement in the case, `deel`\n    did you mean `deal`"),
        ("both", "is an agreement and a scenario"),
    ],
)
def test_a_deal_that_there_is_not(deal: str, said: str) -> None:
    data = world()
    data["agreements"] += [{"id": "both", "with": "self", "effective": "2026-01-01"}]
    data["scenarios"] += [{"id": "both"}]
    with pytest.raises(CaseError, match=said):
        with_and_without(Case.of(data), deal)


def test_no_time_is_no_answer() -> None:
    with pytest.raises(UnsettledError, match="give it more time"):
        sign(Case.of(world()), "deal", time_limit=1e-6)


def test_the_command(tmp_path: Path) -> None:
    data = world(obligations=[{"what": "usage data", "by": "self", "due": "2026-02-01", "evidence": "a report"}])
    (scenario,) = data.pop("scenarios")
    case, deal = tmp_path / "case.yaml", tmp_path / "deal.yaml"
    case.write_text(json.dumps(data))
    deal.write_text(json.dumps({"scenarios": [scenario]}))
    done = CliRunner().invoke(cli, ["check", str(case), "--sign", str(deal), "--json"], standalone_mode=False)
    told = json.loads(done.stdout)
    assert (done.return_value, told["answer"], [r["answer"] for r in told["readings"]]) == (
        1,
        "depends",
        ["yes", "price"],
    )
    assert {each["kind"] for each in told["readings"][1]["ways"]} == {"pay", "lower", "carve-out", "date"}
    assert told["readings"][1]["effect"]["cost"] == {"before": "12000", "after": "12500"}
    assert told["obligations"][0]["due"] == "2026-02-01"
    said = CliRunner().invoke(
        cli, ["check", str(case), "--sign", str(deal), "--reading", "letter"], standalone_mode=False
    )
    assert said.return_value == 0
    assert "Yes" in said.stdout
    assert "By 2026-02-01, self must deliver: usage data; evidence: a report." in said.stdout


def stopping(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> None:
    """Ctrl-C at one of the calls of a function that signing asks."""
    real, calls = getattr(module, name), iter(range(1, 100))

    def asked(*given: Any, **more: Any) -> Any:
        if next(calls) >= call:
            raise KeyboardInterrupt
        return real(*given, **more)

    monkeypatch.setattr(module, name, asked)


def test_ctrl_c_keeps_the_readings_that_were_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping(monkeypatch, "performable", 2)
    found = asked(world())
    assert (found.answer, found.status, [row.reading for row in found.readings]) == (
        "unsettled",
        "interrupted",
        ["letter"],
    )
    assert (alone(found).word, alone(found).effect) == ("yes", None)


def test_ctrl_c_before_anything_is_found_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping(monkeypatch, "performable", 1)
    with pytest.raises(KeyboardInterrupt):
        asked(world())


def test_ctrl_c_keeps_the_answer_and_the_ways_that_were_found(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping(monkeypatch, "margins", 1)
    letter, spirit = asked(world()).readings
    assert (letter.word, letter.effect, spirit.word, spirit.ways, spirit.effect) == ("yes", None, "conflict", (), None)
    assert spirit.conflict is not None


def test_the_command_says_that_it_was_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (case := tmp_path / "case.yaml").write_text(json.dumps(world()))
    stopping(monkeypatch, "performable", 2)
    done = CliRunner().invoke(cli, ["check", str(case), "--sign", "deal"], standalone_mode=False)
    assert done.return_value == 3
    assert done.stdout.startswith("Not settled · sign `deal`?")
    assert "Stopped: readings, ways out and what signing changes may be missing." in done.stdout


def test_the_answer_as_files_and_a_page(tmp_path: Path) -> None:
    (case := tmp_path / "case.yaml").write_text(json.dumps(world()))
    command = ["check", str(case), "--sign", "deal", "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(cli, command, standalone_mode=False)
    assert (done.return_value, done.exception) == (1, None)
    assert json.loads((tmp_path / "out" / "deal.json").read_text()) == json.loads(done.stdout)
    page = Page((tmp_path / "out" / "deal.html").read_text(encoding="utf-8")).text
    for said in (
        "It depends on the reading: sign deal?",
        "only in north-deal",
        "end only on 2026-02-01",
        "2.00 k USD less than without the deal",
        "What signing changes, with the fees paid",
    ):
        assert said in page
    alone = CliRunner().invoke(cli, ["check", str(case), "--out", str(tmp_path / "out")], standalone_mode=False)
    assert (alone.return_value, alone.exception) == (0, None)
    saved = json.loads((tmp_path / "out" / "check.json").read_text())
    assert (saved["format"], saved["answer"], saved["currency"]) == ("detente-check/1", "yes", "USD")
