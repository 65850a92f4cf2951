"""Records of one worker, as they are read."""

from __future__ import annotations

from detente.ledger.journals.record import Outcome, Record, ended


def made(id_: str, outcome: Outcome) -> Record:
    return Record(
        path="/v1", key="k", workload="w", labels={}, model="m", case="c", id=id_, at="", outcome=outcome, status=200
    )


def test_a_beginning_stands_only_where_there_is_no_end() -> None:
    first, killed, other, end = made("1", "begun"), made("2", "begun"), made("3", "complete"), made("1", "cut")
    assert list(ended([first, killed, "between", other, end])) == ["between", other, end, killed]
