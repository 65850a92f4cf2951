"""A case with a party that is gone: which of its agreements end, and when."""

from __future__ import annotations

from tests.builders import agreement, build, day, tokens, work


def test_a_party_that_is_gone_ends_its_agreements_and_no_others() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD", "windows": {"every": "term"}}
    floor |= {"measure": "list"}
    off = {"id": "off", "kind": "discount", "off": "5%"}
    policy = {"id": "share", "kind": "share", "of": {"workload": "chat"}, "on": {"provider": "north"}, "at-most": "50%"}
    offers = [tokens("north", 3), tokens("south", 2)]
    case = build(offers, [work()], agreement(floor, off), agreement(policy, party="self"))
    gone = case.severing("north", day("2026-04-01"))
    end = day("2026-07-01")
    assert [(t.id, t.validity.end) for t in gone.terms] == [("floor", day("2026-04-01")), ("off", end), ("share", end)]
    assert [term.id for term in case.severing("north", day("2026-01-01")).terms] == ["off", "share"]
    assert gone.hash != case.hash
