"""What remains of a clause is asked at each call, though the facts of a class of requests are judged once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.contract.settled.standing import Standing
from detente.gateway.deciding.admit import Admission
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.standings import Standings
from detente.live.request import Request
from tests.builders import Data, agreement, day, work
from tests.gateway.caller import Answer
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, play
from tests.gateway.stage import Stage, case_data, one

AT = day("2026-03-10")
BASES = {"south": "http://a.example", "north": "http://b.example"}
CAP: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 k USD", "text": "At most 1,000 USD a month."}
SALES = Request("chat", "inference", (("team", "sales"),), "m")


class Kept(Standings):
    """Standings that a test sets: what remains of each clause, in one window."""

    def __init__(self, **remaining: int | None) -> None:
        self.remaining, self.asked = remaining, 0
        self.since: set[datetime] = set()

    def of(self, term: str, since: datetime) -> Sequence[Standing]:
        """One, where it is kept."""
        self.asked += 1
        self.since.add(since)
        if term not in self.remaining:
            return ()
        remains = self.remaining[term]
        amount = None if remains is None else Decimal(1000)
        drawn = Decimal(0) if remains is None else 1000 - Decimal(remains)
        return (Standing(term, "spend", "cap", "money", 0, day("2026-03-01"), day("2026-04-01"), False, amount, drawn),)


def moment(standings: Kept, *terms: Data, party: str = "self", workloads: list[Data] | None = None) -> Moment:
    head = {"workloads": workloads} if workloads else {}
    return Moment(Policy.of(Case.of(case_data(BASES, agreement(*terms, party=party), **head))), AT, standings)


def said(found: Admission) -> dict[str, tuple[str, str]]:
    return {c.deployed.id: (c.verdict.permission, c.clause) for c in found.candidates}


OPEN, CLOSED = ("permit", ""), ("deny", "cap")


def test_of_an_amended_clause_the_version_in_force_is_asked() -> None:
    kept = Kept(cap=0)
    after = CAP | {"amount": "2 k USD", "takes-over": "pro-rata"}
    deals = (
        agreement(CAP, id="first", party="self"),
        agreement(after, id="second", party="self", effective="2026-03-01", amends="first"),
    )
    now = Moment(Policy.of(Case.of(case_data(BASES, *deals))), AT, kept)
    assert set(said(now.admission(SALES)).values()) == {CLOSED}
    assert kept.since == {day("2026-03-01")}


def test_of_a_window_that_an_amendment_takes_over_whole_the_later_version_is_asked_from_its_first_day() -> None:
    monthly: Data = CAP | {"windows": {"every": "month"}}
    after = monthly | {"amount": "2 k USD", "takes-over": "whole-window"}
    deals = (
        agreement(monthly, id="first", party="self"),
        agreement(after, id="second", party="self", effective="2026-03-20", amends="first"),
    )
    policy = Policy.of(Case.of(case_data(BASES, *deals)))
    for at, since in (("2026-02-28", "2026-01-01"), ("2026-03-01", "2026-03-20"), ("2026-03-20", "2026-03-20")):
        kept = Kept(cap=0)
        assert set(said(Moment(policy, day(at), kept).admission(SALES)).values()) == {CLOSED}
        assert kept.since == {day(since)}, at


def test_a_cap_that_is_used_up_denies_at_once_and_permits_again_when_something_remains() -> None:
    kept = Kept(cap=5)
    now = moment(kept, CAP)
    first = now.admission(SALES)
    assert said(first) == {"south-m": OPEN, "north-m": OPEN}
    kept.remaining["cap"] = 0
    used_up = now.admission(SALES)
    assert said(used_up) == {"south-m": CLOSED, "north-m": CLOSED}
    assert (used_up.permitted, used_up.forbidding) == ((), ("cap",))
    assert used_up.denied[0].text == "At most 1,000 USD a month."
    assert not used_up.denied[0].fact
    kept.remaining["cap"] = 1
    assert now.admission(SALES) is first, "facts are judged once"


@pytest.mark.parametrize("kept", [Kept(), Kept(other=0), Kept(cap=None)])
def test_a_standing_that_nobody_keeps_denies_nothing(kept: Kept) -> None:
    assert said(moment(kept, CAP).admission(SALES)) == {"south-m": OPEN, "north-m": OPEN}


def test_a_cap_denies_only_what_it_covers() -> None:
    south = moment(Kept(cap=0), CAP, party="south")
    assert said(south.admission(SALES)) == {"south-m": CLOSED, "north-m": OPEN}
    both = [work(labels={"team": "sales"}), work("other", labels={"team": "support"})]
    teams = moment(Kept(cap=0), CAP | {"of": {"team": "support"}}, workloads=both)
    assert said(teams.admission(SALES)) == {"south-m": OPEN, "north-m": OPEN}
    unlabelled = teams.admission(SALES._replace(labels=()))
    assert said(unlabelled) == {"south-m": CLOSED, "north-m": CLOSED}, "what may be covered is denied (§2)"


def test_a_cap_that_is_not_in_force_is_not_asked() -> None:
    kept = Kept(cap=0)
    assert said(moment(kept, CAP | {"from": "2026-04-01"}).admission(SALES)) == {"south-m": OPEN, "north-m": OPEN}
    assert kept.asked == 0


def test_what_facts_deny_stays_denied_by_them() -> None:
    only = {"id": "only", "kind": "exclusivity", "provider": "north", "text": "Only on North."}
    found = said(moment(Kept(cap=0), only, CAP).admission(SALES))
    assert found == {"south-m": ("deny", "only"), "north-m": CLOSED}


def test_a_caller_is_told_403_and_the_clause_until_something_remains(tmp_path: Path) -> None:
    kept = Kept()

    async def main() -> list[Answer]:
        async with play(SERVED, SERVED) as south:
            data = one(south, agreement(CAP, party="self"))
            async with Stage(tmp_path, data, standings=kept) as stage:
                answers = []
                for remaining in (5, 0, -3, 5):
                    kept.remaining["cap"] = remaining
                    answers.append(await stage.ask())
                return answers

    answers = run(main())
    assert [answer.status for answer in answers] == [200, 403, 403, 200]
    error = answers[1].json["error"]
    assert error["message"] == "nothing remains of 1000 USD in Mar 2026 [cap]"
    assert (error["detente"]["clause"], error["detente"]["text"]) == ("cap", "At most 1,000 USD a month.")
