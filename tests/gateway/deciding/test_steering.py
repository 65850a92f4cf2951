"""Floors that would fall short steer calls, while that saves money: from the books to the order."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from detente.case.case import Case
from detente.gateway.deciding.decision import decide, read
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.standings import Standings
from detente.gateway.deciding.steering import NO_SAVING, Saving
from detente.gateway.serving.beside.watch import BooksWatch
from detente.gateway.serving.observing.standing_gauges import MONEY
from detente.gateway.serving.standing_page import standing_page
from detente.gateway.surfaces import SURFACES
from detente.ledger.books.at_risk import AtRisk, at_risk
from detente.ledger.books.books import Books
from detente.ledger.books.stands import stands
from detente.ledger.store.opening import open_store
from tests.builders import D, Data, agreement, build, day, tokens, work
from tests.cli.asking import written
from tests.cli.shell import detente
from tests.gateway.caller import HELLO
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, play
from tests.gateway.stage import Stage, case_data, deployment
from tests.ledger.books.test_stands import FLOOR, every_day
from tests.ledger.served import fresh, ingested, journal_of

ON = day("2026-01-21")
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
LIVE = [deployment(f"{p}-live", f"{p}-api", "http://localhost:9") for p in ("south", "north")]

STOOD = {  # 20 days at 0.30 USD, of 31; the range is as narrow as all days were alike
    "detente_clause_required": 20, "detente_clause_drawn": 6, "detente_clause_remaining": 14,
    "detente_clause_carried_in": 0, "detente_clause_accruing": 14, "detente_clause_expected": 9.3,
    "detente_clause_expected_low": 9.3, "detente_clause_expected_high": 9.3, "detente_floor_short": 10.7,
    "detente_floor_owed": 10.7,
}  # fmt: skip


def gauges(metrics: bytes) -> dict[str, float]:
    """What Prometheus reads of the floor in the window that runs, by name."""
    window = {"from": "2026-01-01T00:00:00+00:00", "until": "2026-02-01T00:00:00+00:00"}
    labels = {"clause": "floor", "agreement": "north-deal", "role": "floor", "meter": "spend", **window}
    found = {}
    for family in text_string_to_metric_families(metrics.decode()):
        if family.name.startswith(("detente_clause_", "detente_floor_")):
            (sample,) = family.samples
            in_its_unit = family.name not in MONEY
            assert sample.labels == labels | ({"unit": "money"} if in_its_unit else {})
            found[family.name] = sample.value
    return found


def case(floor: Data = FLOOR, party: str = "north", **more: Any) -> Case:
    """South at 2 USD an Mtok and North at 3, and a floor."""
    deals = [agreement(floor, party=party)]
    return build([tokens("south", 2), tokens("north", 3)], [work(**more)], *deals, deployments=LIVE)


def risks(given: Case, folder: Path, days: int = 20, on: datetime = ON) -> tuple[AtRisk, ...]:
    """What is at risk once a call of 0.30 USD a day went to North."""
    folder.mkdir(exist_ok=True)
    with fresh(folder) as store:
        ingested(store, given, journal_of(folder / "j", every_day(days)))
        return at_risk(stands(Books(store, given), on), given.signed)


def order(given: Case, floors: tuple[AtRisk, ...], at: datetime = ON) -> list[str]:
    """In which order deployments are asked, each with its reason."""
    standings, policy = Standings(), Policy.of(given)
    standings.at_risk = floors
    surface, workload = SURFACES[b"/v1/chat/completions"], policy.workloads["chat"]
    moment = Moment(policy, at, standings)
    asked = read(surface, BODY, "chat")
    found = decide(moment, Load(), surface, asked, workload, workload.labels, 0.0)
    return [f"{choice.candidate.deployed.id}: {choice.told}" for choice in found.order.choices]


def test_a_floor_that_falls_short_at_the_present_pace_is_at_risk(tmp_path: Path) -> None:
    (floor,) = risks(case(), tmp_path)
    # 20 of 31 days at 0.30 USD come to 9.30 of 20 by the month's end
    assert (floor.term, floor.measure, floor.end) == ("floor", "spend", day("2026-02-01"))
    assert (floor.short, floor.owed, floor.each) == (D("10.7"), D("10.7"), 1)


def test_a_floor_in_a_currency_of_its_own_is_held_against_what_calls_cost(tmp_path: Path) -> None:
    """9.30 USD at 1.25 are 7.44 EUR of 10: 2.56 EUR are missing, 3.20 USD, of which each that is spent saves one."""
    rate = {"2026-01-01": "1.25 USD per EUR", "2026-02-01": "2 USD per EUR"}
    deal = agreement(FLOOR | {"amount": "10 EUR"}, party="north")
    given = build(
        [tokens("south", 2), tokens("north", 3)], [work()], deal, deployments=LIVE,
        exchange=[{"rate": rate, "day": "use"}],
    )  # fmt: skip
    (floor,) = risks(given, tmp_path)
    assert (floor.short, floor.owed, floor.each) == (D("3.2"), D("3.2"), 1)


@pytest.mark.parametrize(
    ("floor", "days", "on"),
    [
        (FLOOR | {"amount": "9 USD"}, 20, "2026-01-21"),
        (FLOOR | {"shortfall": {"fee": "0%"}}, 20, "2026-01-21"),
        (FLOOR, 6, "2026-01-07"),
    ],
    ids=["it will be met", "missing it costs nothing", "too few days to say"],
)
def test_what_is_not_at_risk(tmp_path: Path, floor: Data, days: int, on: str) -> None:
    assert risks(case(floor), tmp_path, days, day(on)) == ()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("100%", ["north-live: floor floor", "south-live: price"]),  # 3 less 3 a Mtok
        ("34%", ["north-live: floor floor", "south-live: price"]),  # 3 less 1.02
        ("33%", ["south-live: price", "north-live: price"]),  # 3 less 0.99: South costs 2
    ],
)
def test_calls_go_where_a_floor_falls_short_while_that_saves_money(
    tmp_path: Path, part: str, expected: list[str]
) -> None:
    given = case(FLOOR | {"shortfall": {"fee": part}})
    floors = risks(given, tmp_path)
    assert order(given, floors) == expected
    assert order(given, ()) == ["south-live: price", "north-live: price"]


CREDIT = {"id": "gift", "kind": "credit", "amount": "20 USD", "windows": {"every": "month"}}


def test_a_credit_that_would_lapse_is_at_risk(tmp_path: Path) -> None:
    (credit,) = risks(case(CREDIT), tmp_path)
    # 0.30 USD a day come to 9.30 of 20 by the month's end; of the rest, each dollar that is used is given
    assert (credit.term, credit.measure, credit.lapses) == ("gift", "spend", True)
    assert (credit.short, credit.owed, credit.each) == (D("10.7"), D("10.7"), 1)
    (half,) = risks(case(CREDIT | {"rate": "50%"}), tmp_path / "half")
    # 4.65 is given: 15.35 would lapse, and takes twice as much use
    assert (half.short, half.owed, half.each) == (D("30.7"), D("15.35"), D("0.5"))


def test_a_credit_that_nobody_uses_is_at_risk_and_one_that_is_used_up_is_not(tmp_path: Path) -> None:
    (unused,) = risks(case(CREDIT, party="south"), tmp_path)
    assert (unused.short, unused.owed, unused.each) == (20, 20, 1)
    assert risks(case(CREDIT | {"amount": "9 USD"}), tmp_path / "gone") == ()
    whole = CREDIT | {"windows": {"every": "term"}}
    (long,) = risks(case(whole | {"amount": "100 USD"}), tmp_path / "long")
    assert (long.end, long.owed) == (day("2026-07-01"), D("45.7")), "181 days at 0.30 USD are 54.30"


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("100%", ["north-live: credit gift", "south-live: price"]),  # 3 less 3 a Mtok
        ("34%", ["north-live: credit gift", "south-live: price"]),  # 3 less 1.02
        ("33%", ["south-live: price", "north-live: price"]),  # 3 less 0.99: South costs 2
    ],
)
def test_calls_go_where_a_credit_would_lapse_while_that_saves_money(
    tmp_path: Path, rate: str, expected: list[str]
) -> None:
    given = case(CREDIT | {"rate": rate})
    assert order(given, risks(given, tmp_path)) == expected


def test_a_floor_of_which_nothing_is_used_falls_short_once_there_is_a_week_of_other_use(tmp_path: Path) -> None:
    (floor,) = risks(case(party="south"), tmp_path)
    assert (floor.short, floor.owed) == (20, 20)
    assert risks(case(party="south"), tmp_path / "early", 6, day("2026-01-07")) == ()


def test_floors_come_before_credits(tmp_path: Path) -> None:
    deals = [agreement(FLOOR, party="south"), agreement(CREDIT, party="north", id="gifts")]
    given = build([tokens("south", 2), tokens("north", 3)], [work()], *deals, deployments=LIVE)
    assert order(given, risks(given, tmp_path)) == ["south-live: floor floor", "north-live: credit gift"]


def test_only_what_counts_towards_a_floor_is_steered(tmp_path: Path) -> None:
    scoped = FLOOR | {"of": {"team": "sales"}}
    both = [work(labels={"team": "other"}), work("sales", labels={"team": "sales"})]
    given = build([tokens("south", 2), tokens("north", 3)], both, agreement(scoped, party="north"), deployments=LIVE)
    (term,) = given.signed
    (meter,) = (m for m in term.meters() if m.measure == "spend")
    floors = (AtRisk("floor", meter, "spend", day("2026-02-01"), D(5), D(5)),)
    policy, standings = Policy.of(given), Standings()
    standings.at_risk = floors
    moment = Moment(policy, ON, standings)
    from detente.live.request import Request

    for name, team, north in (("chat", "other", NO_SAVING), ("sales", "sales", Saving(3 * 10**12, "floor"))):
        request = Request(name, "inference", (("team", team),), "m")
        found = moment.savings(request, policy.workloads[name])
        # 3 USD per Mtok, all of which would be owed anyway: of a token, in billionths of billionths
        assert found == {"south-live": NO_SAVING, "north-live": north}
        assert moment.savings(request, policy.workloads[name]) is found, "worked out once"
    unlabelled = Request("sales", "inference", (), "m")
    assert moment.savings(unlabelled, policy.workloads["sales"])["north-live"] == NO_SAVING, "perhaps is no"


def test_a_gateway_looks_at_the_books_and_steers(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, play(SERVED) as north:
            data = case_data({"south": south.base, "north": north.base}, agreement(FLOOR, party="north"))
            with fresh(tmp_path) as store:
                ingested(store, Case.of(data), journal_of(tmp_path / "j", every_day(20)))
            async with Stage(tmp_path, data, at=ON, ledger=str(tmp_path / "ledger.db")) as stage:
                assert (await stage.ask(HELLO)).headers["x-detente-deployment"] == "south-m"
                await stage.watch.look()
                assert (await stage.ask(HELLO)).headers["x-detente-deployment"] == "north-m"
                told = "floor is expected to fall short by 2026-02-01; calls that count towards it go there"
                assert stage.said == [told]
                assert (await stage.page("/standing")).status == 404, "callers do not read what was agreed"
                page = standing_page(stage.standings)
                assert page["at-risk"] == [
                    {"clause": "floor", "until": "2026-02-01T00:00:00+00:00", "short": "10.7", "owed": "10.7"}
                ]
                (clause,) = page["clauses"]
                assert (clause["clause"], clause["asks"], clause["drawn"]) == ("floor", "20", "6")
                assert clause["expected"]["drawn"] == "9.3"
                assert (page["as-of"], page["ledger"], page["unknown"]) == ("2026-01-21T00:00:00+00:00", None, 0)
                metrics = (await stage.page("/metrics")).body
                assert gauges(metrics) == STOOD
                await lagging(stage)
            assert [record.why for record in stage.records] == ["price", "floor floor"]

    run(main())


async def lagging(stage: Stage) -> None:
    """Of two calls that nobody puts on the books, it is told after a minute, once; and that the books caught up."""
    told = len(stage.said)
    stage.clock.at = ON + timedelta(seconds=90)
    for _ in range(2):
        await stage.watch.look()
    journal = f"{stage.folder}/w0"
    late = f"{journal}: 2 records of it are not on the books, the first of them for 90 s"
    assert stage.said[told:] == [late]
    anew = BooksWatch(f"{stage.ledger}.away", stage.folder, nothing := Standings(), stage.clock, stage.said.append)
    anew.follow(stage.policy.case)
    await anew.look()
    anew.close()
    assert (nothing.lags, stage.said[told:]) == ((), [late]), "who has never seen the ledger knows of no lag"
    assert standing_page(stage.standings)["journals"] == [
        {"journal": journal, "records": 2, "since": "2026-01-21T00:00:00+00:00"}
    ]
    metrics = (await stage.page("/metrics")).body
    assert b'detente_books_behind_records{journal="w0"} 2.0' in metrics
    assert b'detente_books_behind_seconds{journal="w0"} 90.0' in metrics
    assert stage.ledger is not None
    with open_store(stage.ledger) as store:
        ingested(store, stage.policy.case, stage.folder)
    await stage.watch.look()
    assert stage.said[told:] == [late, f"the books have caught up with {journal}"]


def test_explain_says_which_floor_steers(tmp_path: Path) -> None:
    given = case_data(dict.fromkeys(("south", "north"), "http://localhost:9"), agreement(FLOOR, party="north"))
    folder, body = written(tmp_path / "case", given), tmp_path / "body.json"
    body.write_bytes(BODY)
    with fresh(tmp_path) as store:
        ingested(store, Case.of(given), journal_of(tmp_path / "j", every_day(20)))
    asks = ("explain", folder, "--request", body, "--workload", "chat", "--at", "2026-01-21T09:00Z")
    told = detente(*asks, "--ledger", tmp_path / "ledger.db")
    assert "It goes to north-m." in told.stdout
    assert "a commitment that would fall short: floor" in told.stdout
    assert "It goes to south-m." in detente(*asks).stdout
