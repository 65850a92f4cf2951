"""Attempts that came to nothing without a provider saying so: who is told what, and what is learned of it."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.gateway.deciding.policy import Policy
from detente.gateway.serving.call.mishap import LATE, MAX_DETAIL, unanswered, unasked, unread
from detente.gateway.upstream import UpstreamError
from detente.gateway.upstream.error import ErrorKind
from tests.gateway.stage import case_data

(SOUTH,) = Policy.of(Case.of(case_data({"south": "http://secret.example"}))).deployed


@pytest.mark.parametrize(
    ("kind", "learned", "status"),
    [
        ("unreachable", "unreachable", 502),
        ("timeout", "timeout", 504),
        ("broken", "broken", 502),
        ("busy", "gateway", 503),
    ],
)
def test_no_reply_is_told_by_the_deployment_and_kept_by_its_address(kind: ErrorKind, learned: str, status: int) -> None:
    found = unanswered(UpstreamError(kind, "http://secret.example", "did not", sent=False), SOUTH)
    assert (found.kind, found.status, found.fails_over) == (learned, status, True)
    assert found.error["message"] == "south-m did not"
    assert found.detail == "`http://secret.example` did not"


def test_a_defect_s_text_is_for_the_journal_and_bounded() -> None:
    found = unread(ValueError("x" * 10_000), SOUTH)
    assert (found.kind, found.status, found.fails_over) == ("broken", 502, True)
    assert "xx" not in found.error["message"]
    assert len(found.detail) == MAX_DETAIL
    assert found.detail.startswith("ValueError: x")


def test_a_request_that_we_could_not_make_is_our_own_failure() -> None:
    found = unasked(ValueError("a header that holds a secret"), SOUTH)
    assert (found.kind, found.status, found.fails_over, found.detail) == ("gateway", 500, True, "ValueError")
    assert "secret" not in found.error["message"]
    assert (LATE.status, LATE.kind) == (504, "timeout")
