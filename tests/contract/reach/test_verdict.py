"""One verdict of many clauses, places and deployments: which wins, who decided, and where."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import detente
from detente.contract.reach.validity import Validity
from detente.contract.reach.verdict import PERMIT, Permission, Reason, Verdict, applicable, best, permitted, verdict
from detente.values.facts import Facts
from detente.values.period import moment
from tests.builders import day

START, END = moment(day("2026-02-01")), moment(day("2026-03-01"))
STEP = timedelta(hours=1)
ALWAYS = Validity("a", "self", START, END)
DUBLIN, TEXAS = {"region": "dublin"}, {"region": "texas"}
ANSWERS: list[Permission] = ["permit", "prefer", "undecided", "deny"]


@dataclass
class Says:
    """A clause that says something of each region, and permits the others."""

    id: str
    of: dict[str, Permission]
    validity: Validity = ALWAYS

    def judge(self, demand: Facts, place: Facts, /) -> Verdict:
        """What it says of a region."""
        answer = self.of.get(place["region"], "permit")
        return PERMIT if answer == "permit" else Verdict(answer, Reason(self.id, f"{answer} in {place['region']}"))


def test_deny_wins_then_undecided_then_prefer() -> None:
    for order in permutations(ANSWERS):
        clauses = [Says(answer, {"dublin": answer}) for answer in order]
        seen = []
        while clauses:
            found = verdict(clauses, {}, [DUBLIN])
            assert found.clause in (found.permission, "")
            seen.append(found.permission)
            clauses = [clause for clause in clauses if clause.id != found.permission]
        assert seen == ["deny", "undecided", "prefer", "permit"]


def test_only_permit_and_prefer_are_permitted() -> None:
    assert [answer for answer in ANSWERS if Verdict(answer).permitted] == ["permit", "prefer"]


def test_a_clause_alone_permits_what_it_permits_in_every_place() -> None:
    stays = Says("stays", {"texas": "deny"})
    assert permitted(stays, {}, [DUBLIN])
    assert not permitted(stays, {}, [DUBLIN, TEXAS])
    assert not permitted(stays, {}, [TEXAS, DUBLIN])


def test_every_place_counts_and_the_verdict_says_which_decided() -> None:
    stays = Says("stays", {"texas": "deny"})
    assert verdict([stays], {}, [DUBLIN]) == PERMIT
    for places in ([DUBLIN, TEXAS], [TEXAS, DUBLIN]):
        found = verdict([stays], {}, places)
        assert (found.permission, found.clause, found.place) == ("deny", "stays", TEXAS)


def test_of_equals_the_first_place_counts_and_in_it_the_first_clause() -> None:
    both: dict[str, Permission] = {"dublin": "deny", "texas": "deny"}
    found = verdict([Says("a", both), Says("b", both)], {}, [DUBLIN, TEXAS])
    assert (found.clause, found.place) == ("a", DUBLIN)


def test_work_runs_where_any_deployment_is_permitted_and_rather_where_it_is_preferred() -> None:
    deny, unknown, prefer = (Verdict(answer) for answer in ("deny", "undecided", "prefer"))
    assert best([deny, PERMIT]) == best([PERMIT, deny]) == PERMIT
    assert best([PERMIT, prefer, deny]) == prefer
    assert best([deny, unknown]) == unknown
    assert best([deny]) == deny


@given(st.lists(st.dictionaries(st.sampled_from(["dublin", "texas"]), st.sampled_from(ANSWERS)), max_size=4))
def test_a_deployment_is_permitted_where_no_clause_alone_keeps_work_from_it(said: list[dict[str, Permission]]) -> None:
    clauses = [Says(f"c{n}", of) for n, of in enumerate(said)]
    alone = [verdict([clause], {}, [DUBLIN, TEXAS]) for clause in clauses]
    together = verdict(clauses, {}, [DUBLIN, TEXAS])
    assert together.permitted == all(each.permitted for each in alone)
    assert together in (alone or [PERMIT])


def test_a_clause_applies_from_its_first_moment_until_just_before_its_end() -> None:
    clause = Says("c", {})

    def applies(start: datetime, end: datetime | None = None) -> bool:
        return applicable([clause], start, end) == (clause,)

    assert [applies(at) for at in (START - STEP, START, END - STEP, END)] == [False, True, True, False]
    assert [applies(START - STEP, end) for end in (START, START + STEP)] == [False, True]
    assert [applies(start, END + STEP) for start in (END - STEP, END)] == [True, False]


PACKAGE = Path(detente.__file__).parent
ONE_VERDICT = Path("contract", "reach", "verdict.py")
ASKS = re.compile(r"undecided|\.judge\b")
"""What only a file that could break the rule says: few are parsed."""


def test_no_other_file_ranks_decisions_or_asks_a_clause_to_judge() -> None:
    asking = {file.relative_to(PACKAGE) for file in PACKAGE.rglob("*.py") if ASKS.search(file.read_text("utf-8"))}
    assert ONE_VERDICT in asking
    for name in asking - {ONE_VERDICT}:
        file = PACKAGE / name
        tree = ast.parse(file.read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        made = {id(call.args[0]) for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Verdict"}
        named = [
            n for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value == "undecided" and id(n) not in made
        ]
        judged = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "judge"]
        assert (named, judged) == ([], []), f"{file}: ask `contract.verdict` instead"
