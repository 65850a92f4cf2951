"""Tables of the pages of deals and of leverage as CSV: no amount there is rounded, as those on the page are."""

from __future__ import annotations

import re
from decimal import Decimal

from detente.case.case import Case
from detente.outcomes.deals.sign import sign
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.leverage.leveraging import leverage
from detente.report.pages.deal_page import render_deal
from detente.report.pages.leverage_page import render_leverage
from tests.builders import EXACT, PROVIDERS, data_of, tokens, work
from tests.outcomes.deals import test_sign as deals
from tests.report.test_csv import tables

ROUNDED = re.compile(r"[\d.,]+ (?:k|M|bn)\b")
"""An amount, and not a sentence that says one."""


def test_of_a_deal() -> None:
    found = sign(Case.of(deals.world()), "deal", gap=EXACT)
    page = render_deal(found)
    assert ROUNDED.search(page), "some amount on the page is rounded"
    by_name = tables(page)
    assert not [cell for rows in by_name.values() for row in rows for cell in row if ROUNDED.match(cell)]
    spirit = found.readings[1]
    head, *rows = by_name["reading-2.csv"]
    assert head[-2:] == ["The plan then costs, USD", "Against not signing, USD"]
    assert [Decimal(row[-2]) for row in rows] == [way.cost for way in spirit.ways]
    assert [Decimal(row[-1]) for row in rows] == [way.more for way in spirit.ways]
    assert spirit.effect is not None
    head, *rows = by_name["reading-2-2.csv"]
    spend = [(p.spend.before, p.spend.after) for p in spirit.effect.providers]
    assert [(Decimal(row[1]), Decimal(row[2])) for row in rows] == spend


def test_of_leverage() -> None:
    offers = [tokens("north", 3), tokens("south", 2, capacity="400.5 Mtok per month")]
    providers = [p | ({"margin": "40%"} if p["id"] == "south" else {}) for p in PROVIDERS]
    case = Case.of(
        data_of(offers, [work(demand="1000.125 Mtok per month", value="5 USD per Mtok")], providers=providers)
    )
    found = leverage(case, gap=EXACT)
    assert isinstance(found, Leverage)
    by_name = tables(render_leverage(found))
    assert not [cell for rows in by_name.values() for row in rows for cell in row if ROUNDED.match(cell)]
    loses = {row[0]: row[3] for row in by_name["sides.csv"][1:]}
    north, south = found.providers
    assert north.loss.loses is not None
    assert south.loss.profit is not None
    assert {name: Decimal(said.split()[0]) for name, said in loses.items()} == {
        north.name: north.loss.loses, south.name: south.loss.profit
    }  # fmt: skip
    assert loses[south.name].endswith(" USD of profit")
