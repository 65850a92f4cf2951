"""What became of records that were put on the books, for people and for programs.

Owns: how it is told. Not here: doing it (``ledger.books.ingest``).
"""

from __future__ import annotations

import json

from detente.errors import MAX_SHOWN, printable
from detente.ledger.bills.bill_ingest import BillIngested
from detente.ledger.books.giving_back import freed_told
from detente.ledger.books.ingest import Ingested
from detente.report.ledger.copies import copies_json, copies_view
from detente.report.ledger.journal import Print
from detente.report.numerals import count
from detente.values.money import of_nanos, shown
from detente.values.quantity import plain


def ingested_view(told: Ingested, out: Print, warn: Print) -> None:
    """A few lines; what is wrong goes to ``warn``, each with its place."""
    wrong = [*map(str, told.troubles), *told.aside]
    for said in wrong[:MAX_SHOWN]:
        warn(printable(said))
    if len(wrong) > MAX_SHOWN:
        warn(f"and {len(wrong) - MAX_SHOWN:,} more")
    out(f"{count(told.records, 'record')} of {count(told.files, 'file')}: {count(told.calls, 'call')} new on the books")
    if told.again:
        out(f"{count(told.again, 'record')} had been ingested before")
    if told.unknown > 0:
        out(f"{count(told.unknown, 'use')} whose amount or price is unknown: on the books as unknown, and never zero")
    if told.unknown < 0:
        out(f"{count(-told.unknown, 'use')} that had been unknown: the record of the end has come")
    if told.twice:
        warn(_twice(f"{count(told.twice, 'call')} of offers and days of which the books hold rows of bills, too"))
    if told.freed:
        out(freed_told(told.freed))
    if told.differing:
        what = "a list price in the journal that differs from that of the case"
        out(f"{count(told.differing, 'call')} with {what}; the case's counts. The last: {printable(told.differs)}")


def _twice(what: str) -> str:
    remedy = "hold the bill against them by `detente reconcile`, or leave out of one ledger what is on both"
    return f"{what}: if that is the same use, it counts twice; {remedy}"


def ingested_json(told: Ingested) -> str:
    """The same as one document."""
    names = (
        "files",
        "records",
        "calls",
        "again",
        "unknown",
        "batches",
        "aside",
        "differing",
        "differs",
        "twice",
        "freed",
    )
    found: dict[str, object] = {"status": "whole" if told.whole else "incomplete"}
    found |= {name: getattr(told, name) for name in names}
    found["troubles"] = [{"what": str(trouble), "torn": trouble.torn} for trouble in told.troubles]
    return json.dumps(found)


def billed_view(told: BillIngested, currency: str, out: Print, warn: Print) -> None:
    """What became of the rows of bills; what is wrong goes to ``warn``, each with its place."""
    for said in [*told.broken, *told.aside]:
        warn(printable(said))
    if told.bad > len(told.aside):
        warn(f"and {told.bad - len(told.aside):,} more")
    if told.unmapped:
        what = f"{count(told.unmapped, 'row')} of {shown(of_nanos(told.unmapped_net), currency)} with no rule"
        warn(f"{what}, the first at {printable(told.first_unmapped)}: add a rule, or one with `skip: true`")
    if told.twice:
        what = f"{count(told.twice, 'row')}, the first at {printable(told.first_twice)}"
        warn(_twice(f"{what}, of offers and days of which the books hold calls or idle capacity, too"))
    if told.untaken:
        what = f"{count(told.untaken, 'row')} below zero, of which less is on the books under the same use in its time"
        warn(f"{what}: give the files again once the use is there")
    net = shown(of_nanos(told.net), currency)
    out(f"{count(told.rows, 'row')} of {count(told.files, 'file')}: {told.added:,} new on the books, stated at {net}")
    copies_view(told.copies, out, warn)
    if told.again:
        out(f"{count(told.again, 'row')} had been ingested before")
    if told.skipped:
        out(f"{count(told.skipped, 'row')} skipped by a rule")
    if told.unknown > 0:
        out(f"{count(told.unknown, 'row')} whose price is unknown: on the books as unknown, and never zero")
    if told.unknown < 0:
        out(f"{count(-told.unknown, 'row')} that had been unknown: a correction takes back what they were for")


def billed_json(told: BillIngested) -> str:
    """The same as one document."""
    names = (
        "files",
        "rows",
        "added",
        "again",
        "skipped",
        "unmapped",
        "unknown",
        "untaken",
        "twice",
        "bad",
        "aside",
        "broken",
    )
    found: dict[str, object] = {"status": "whole" if told.whole else "incomplete"}
    found |= {name: getattr(told, name) for name in names} | copies_json(told.copies)
    return json.dumps(found | {"net": plain(of_nanos(told.net)), "unmapped_net": plain(of_nanos(told.unmapped_net))})
