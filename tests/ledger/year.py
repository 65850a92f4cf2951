"""A year of calls that are the plan's own, through the gateway's admission, journals and the ledger: it closes at the
plan's bill, to the cent.

Each row of a plan is served in the hours that it stands for, by calls that together have its tokens: each is admitted
by the clauses of its moment as a live call is, recorded in a journal, ingested, rated and settled. What no gateway
serves (training, batch endpoints, machines rented by the hour) is on the books by the hour, as a provider's bill would
put it. Then the books are closed for the plan's end, and what is owed is held against the plan's bill.

``python -m tests.ledger.year examples/enterprise`` plans a case and does so; ``--calls`` is how many calls an hour of a
row is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from detente.case.case import Case
from detente.contract.metered.use import Use
from detente.contract.rated.rating import Rating
from detente.gateway.deciding.decision import decide
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.replaying.replay import _asked_of
from detente.ledger.books.books import Books
from detente.ledger.books.closing import close
from detente.ledger.books.ingest import Ingest, journals
from detente.ledger.journals.journal import Journal
from detente.ledger.journals.record import CallEnd, CallRoute, TokenCounts, joined, route
from detente.ledger.proof.audit import audit
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from detente.ledger.use.line import UseLine
from detente.live.deployment import AnyDeployment
from detente.results.plan import Plan
from detente.results.plan_rows import Allocation, PeriodRow
from detente.values.money import nano, of_nanos
from detente.values.period import moment

WEEK, DAY, HOUR = timedelta(days=7), timedelta(days=1), timedelta(hours=1)
CENT = Decimal("0.01")


@dataclass(frozen=True)
class SimulatedYear:
    """What a year came to: its records, what is owed by the books and by the plan, and whether the chain holds."""

    records: int
    owed: Decimal
    planned: Decimal
    holds: bool

    @property
    def off(self) -> Decimal:
        """By how much the books differ from the plan's bill."""
        return abs(self.owed - self.planned)


def hours_of(period: PeriodRow) -> list[datetime]:
    """Hours in which a period's work is done: one of each of its days, or those of a typical week."""
    if (period.start, period.end) == (period.span_start, period.span_end):
        return [period.start + n * DAY for n in range(max(1, (period.end - period.start) // DAY))]
    first = period.start - (period.start - period.span_start) // WEEK * WEEK
    return [at for n in range(6) if (at := first + n * WEEK) < period.span_end]


def parts(whole: int, count: int) -> list[int]:
    """A whole number in so many parts that are as alike as can be."""
    return [whole * (n + 1) // count - whole * n // count for n in range(count)]


class YearOfCalls:
    """The calls of a plan.

    Parameters
    ----------
    calls
        How many an hour of a row is served by.
    """

    def __init__(self, case: Case, plan: Plan, calls: int) -> None:
        self.case, self.plan, self._calls = case, plan, calls
        self._policy = Policy.of(case, plan)
        self._deployed: dict[str, AnyDeployment] = {d.offer: d for d in case.declared.deployments}
        self._offers = {offer.id: offer for offer in case.offers}
        self._workloads = {workload.id: workload for workload in case.workloads}
        self._tokens: dict[tuple[str, str], int] = {}
        self._moments: dict[datetime, Moment] = {}
        self._permitted: dict[tuple[str, datetime], set[str]] = {}
        self._routes: dict[tuple[str, str], bytes] = {}
        self.records = 0

    def served(self, row: Allocation) -> bool:
        """Whether a gateway serves it: work in tokens, on an offer with a deployment, at its live price."""
        workload, offer = self._workloads[row.workload], self._offers[row.offer]
        of_batches = workload.in_batches and offer.sells_batches()
        return workload.unit == "Mtok" and row.offer in self._deployed and not of_batches

    def calls(self) -> Iterator[bytes]:
        """The records of all of them."""
        for row in sorted(filter(self.served, self.plan.allocations), key=lambda row: row.period):
            hours = hours_of(self.plan.periods[row.period])
            whole = int(row.work * 10**6)
            for at, tokens in zip(hours, parts(whole, len(hours)), strict=True):
                body = self._admitted(row, at)
                for n, some in enumerate(parts(tokens, self._calls)):
                    used = self._mixed(row, some)
                    self.records += 1
                    when = at + n * HOUR / self._calls
                    yield joined(body, CallEnd(f"req_{self.records}", when, "complete", 200, used))

    def _admitted(self, row: Allocation, at: datetime) -> bytes:
        """The route of a call that is served where the plan has it, which the clauses of its day permit."""
        day = at.replace(hour=0, minute=0)
        permitted = self._permitted.get((row.workload, day))
        if permitted is None:
            permitted = self._permitted[row.workload, day] = self._admit(row.workload, day, at)
        assert row.offer in permitted, f"{row.workload} may not run on {row.offer} at {at}, where it is planned"
        found = self._routes.get((row.workload, row.offer))
        if found is None:
            labels, deployed = self._workloads[row.workload].labels, self._deployed[row.offer]
            told = CallRoute(
                "/v1/chat/completions", "year", row.workload, labels, row.workload, self.case.hash,
                deployment=deployed.id, offer=row.offer, provider=row.provider, region=row.region, why="share",
            )  # fmt: skip
            found = self._routes[row.workload, row.offer] = route(told)
        return found

    def _admit(self, workload_id: str, day: datetime, at: datetime) -> set[str]:
        """The offers that a workload's calls may go to on a day."""
        if day not in self._moments:
            self._moments = {day: Moment(self._policy, at)}
        surface, asked = _asked_of(self._policy, workload_id)
        workload = self._policy.workloads[workload_id]
        decided = decide(self._moments[day], Load(), surface, asked, workload, workload.labels, 0.0)
        return {candidate.deployed.offer.id for candidate in decided.admission.permitted}

    def _mixed(self, row: Allocation, tokens: int) -> TokenCounts:
        """So many tokens in the workload's mix: rounded so that all together are in it."""
        mix = self._workloads[row.workload].mix
        fresh, cached, _ = mix.parts if mix else (Fraction(3, 4), Fraction(0), Fraction(1, 4))
        before = self._tokens.get((row.workload, row.offer), 0)
        after = self._tokens[row.workload, row.offer] = before + tokens
        read, given = (int(after * part) - int(before * part) for part in (cached, fresh + cached))
        return TokenCounts(given, tokens - given, min(read, given))

    def billed(self) -> Iterator[UseLine]:
        """What no gateway serves, hour by hour, at what the plan pays for it."""
        rating = Rating(self.case.signed)
        for row in self.plan.allocations:
            if not self.served(row):
                workload, facts = self._workloads[row.workload], self.case.offer_facts[row.offer]
                hours = hours_of(self.plan.periods[row.period])
                split = (parts(int(each * 10**9), len(hours)) for each in (row.work, row.taken, row.cost))
                for at, work, taken, cost in zip(hours, *split, strict=True):
                    amounts = map(of_nanos, (work, taken, cost))
                    yield UseLine.rated(rating.rate(Use("use", workload.facts, facts, at, at + HOUR, *amounts)))
        yield from self._rented(rating)

    def _rented(self, rating: Rating) -> Iterator[UseLine]:
        """What stands idle of what is rented by the hour, over the whole of it."""
        bought = {p.offer for p in self.plan.purchases if not p.reserved}
        for name in sorted(bought):
            paid = sum((Fraction(p.cost) for p in self.plan.purchases if p.offer == name), Fraction(0))
            used = sum((Fraction(row.cost) for row in self.plan.allocations if row.offer == name), Fraction(0))
            start = moment(self.case.declared.horizon.start)
            if paid != used:
                facts, nothing = self.case.offer_facts[name], Decimal(0)
                idle = Use("idle", None, facts, start, start + HOUR, nothing, nothing, nano(paid - used))
                yield UseLine.rated(rating.rate(idle))


def year(made: YearOfCalls, store: Store, folder: Path) -> SimulatedYear:
    """Serve a plan's year, and close its books. Raises AssertionError where a clause denies what is planned."""
    case, plan, journal = made.case, made.plan, Journal(folder)
    for record in made.calls():
        journal.append(record)
    journal.close()
    end, books = moment(case.declared.horizon.end), Books(store, case)
    told = Ingest(books).run(journals([folder]), end)
    assert told.whole, told
    books.post(made.billed(), end)
    closed = close(books, end, end, plan.purchases)
    assert (closed.unknown, closed.unmetered) == ((), 0)
    return SimulatedYear(made.records, _owed(store), Decimal(str(plan.bill)), not audit(books).faults)


def _owed(store: Store) -> Decimal:
    with store.reading() as session:
        rows = session.all("SELECT amount FROM entries WHERE account LIKE 'owed/%'")
        return of_nanos(-sum(int(amount) for (amount,) in rows))


def main() -> None:
    """From a shell."""
    from detente.planner.solve import plan

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("case", type=Path)
    asked.add_argument("--calls", type=int, default=10)
    given = asked.parse_args()
    case = Case.load(given.case).under(None)
    found = plan(case)
    assert isinstance(found, Plan), found
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, open_store(f"{folder}/ledger.db", make=True) as store:
        came = year(YearOfCalls(case, found, given.calls), store, Path(folder) / "journal")
    took = time.monotonic() - began
    told = f"{came.records:,} records in {took:.0f} s: {came.owed} on the books, {came.planned} planned"
    if came.off > CENT or not came.holds:
        sys.exit(f"BROKEN: {told}")
    print(f"{told}; the chain holds")


if __name__ == "__main__":
    main()
