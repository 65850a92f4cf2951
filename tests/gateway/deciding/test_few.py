"""How many messages and parts a body may have, counted piece by piece where it is large."""

from __future__ import annotations

import pytest

from detente.gateway.deciding.decision import Rejection
from detente.gateway.deciding.few import must_be_few
from detente.providers.marks import PIECE

MEMBER = b'"role"'


@pytest.mark.parametrize("early", range(len(MEMBER) + 1))
def test_a_member_that_lies_across_two_pieces_is_counted_once(early: int) -> None:
    """All bodies of the length of a piece and some, with two members: one of them about where the next piece begins."""
    body = b"%b%b%b%b" % (MEMBER, b" " * (PIECE - len(MEMBER) - early), MEMBER, b" " * 64)
    must_be_few(body, 2)
    with pytest.raises(Rejection, match="2 members"):
        must_be_few(body, 1)
