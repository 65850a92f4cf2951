"""Work that a plan puts on reservations bought at several prices, each of them as suits it: the books share it out.

Not here: how a plan says which serve which (``formulation.price_kept``), and how the books do (``ledger.books.idle``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from detente.case.case import Case
from detente.contract.term import Term
from detente.results.plan_rows import Note, Purchase
from detente.values.facts import OFFER_KEYS


def assigned(case: Case, offers: Collection[str], bought: Sequence[Purchase]) -> Iterator[Note]:
    """A note of each clause that asks what such work cost, of what some offers serve by the price paid."""
    told = set()
    for name in (name for name in offers if _at_several(case, name, bought)):
        for term in (term for term in case.terms if term.id not in told and _asks(case, term, name)):
            told.add(term.id)
            what = f"`{term.id}` asks what work on `{name}` cost, which is reserved at several prices at once: a plan"
            what += " puts the work on those that suit it, and the books share out by use what was paid"
            remedy = "where machines can be assigned to work, write each price as an offer of its own"
            yield Note(term.id, term.validity.agreement, what, remedy)


def _at_several(case: Case, name: str, bought: Sequence[Purchase]) -> bool:
    """Whether reservations of an offer that were bought at two prices run at one time."""
    offer = next(each for each in case.offers if each.id == name)
    running = [(each.start, each.end, offer.price.on(each.start)) for each in bought if each.offer == name]
    return any(a[0] < b[1] and b[0] < a[1] and a[2] != b[2] for a, b in combinations(running, 2))


def _asks(case: Case, term: Term, name: str) -> bool:
    facts = case.offer_facts[name]
    asking = [m.selection for m in term.meters() if m.of_money and not m.selection.keys <= {*OFFER_KEYS}]
    return any(each.covers(w.facts, facts) is not False for each in asking for w in case.workloads)
