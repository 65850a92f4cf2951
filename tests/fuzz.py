"""Hostile files, made from good ones by edits that know their structure: ``python -m tests.fuzz --minutes 60``.

Each kind makes one file from a seed, and asserts what must hold whatever was done to it. A failure prints its kind and
its seed; ``--kind plan --seed 17`` makes that one again. ``test_fuzz`` runs some hundred seeds of each kind.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from detente.case.case import Case
from detente.case.document import Document
from detente.demand.trace import TraceSource
from detente.errors import HIDDEN, CaseError, JournalError, MissingExtraError, PlanError
from detente.ledger.journals.frames import MAGIC, JournalFrame, frame, frames
from detente.results.checksum import checksum
from detente.results.plan import Plan
from detente.values.file import write
from detente.values.likeness import nearest
from tests import fuzz_books
from tests.builders import agreement, build, compute, gpus, solved, tokens, work
from tests.edits import edit, edit_bytes, holder, misspelt, paths
from tests.effort import soon

VALID = (Path(__file__).parent / "cases" / "mistakes" / "case.yaml").read_text(encoding="utf-8")
EVERYTHING = (Path(__file__).parent / "everything.yaml").read_text(encoding="utf-8")
MAX_CALLS = 15_000_000
"""Of functions, for a file of any kind: an answer that comes soon. Most take a hundredth of it."""


# -- cases ----------------------------------------------------------------------------------------------------------
def a_case(chance: random.Random, folder: Path) -> None:
    """A case with a few edits is a case, or mistakes with their places and remedies, soon; and it hides nothing."""
    edited(Document.parse(VALID.encode(), "case").data(), chance, folder)


def any_section(chance: random.Random, folder: Path) -> None:
    """The same of a case that has something of everything that a case can say; and it is one in each scenario."""
    found = edited(Document.parse(EVERYTHING.encode(), "case").data(), chance, folder)
    if found is None:
        return
    for scenario in found.declared.scenarios:
        case = found.under(scenario=scenario.id)
        with suppress(CaseError):  # of disputed clauses no reading may be chosen
            assert isinstance(case.terms, tuple)


def edited(tree: Any, chance: random.Random, folder: Path) -> Case | None:
    """The case of a tree with a few edits; None where it has mistakes."""
    for _ in range(chance.randint(1, 3)):
        edit(chance, tree)
    (folder / "case.yaml").write_text(json.dumps(tree, ensure_ascii=chance.random() < 0.5), "utf-8", "surrogatepass")
    found = _read(folder)
    if isinstance(found, CaseError):
        assert found.mistakes
        assert all(mistake.remedy and mistake.where.line for mistake in found.mistakes)
        return None
    assert not HIDDEN.search(json.dumps(tree, ensure_ascii=False).replace("\\n", "").replace("\\t", ""))
    assert len(found.hash) == 64
    return found


def _read(folder: Path) -> Case | CaseError:
    """A case, or its mistakes, which can be shown; soon."""
    found = soon(lambda: _case_or_mistakes(folder), MAX_CALLS)
    if isinstance(found, CaseError):
        lines = str(found).split("\n")
        assert all(line.isprintable() and not HIDDEN.search(line) for line in lines)
    return found


def _case_or_mistakes(folder: Path) -> Case | CaseError:
    try:
        return Case.load(folder)
    except CaseError as error:
        return error


def any_bytes(chance: random.Random, folder: Path) -> None:
    """A case's bytes with some changed are a case or mistakes."""
    (folder / "case.yaml").write_bytes(edit_bytes(chance, VALID.encode()))
    _read(folder)


# -- plans ----------------------------------------------------------------------------------------------------------
@cache
def saved() -> str:
    """A plan with a row in nearly every list."""
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "carry-over": "20%"}
    offers = [tokens("north", 3), tokens("south", 2, capacity="5000 Mtok per month"), gpus("south", 2, unit=8)]
    loads = [work(demand="6000 Mtok per month"), compute(), work("spare", value="1 USD per Mtok")]
    return solved(build(offers, loads, agreement(floor), months=2)).to_json()


def a_plan(chance: random.Random, folder: Path) -> None:
    """A saved plan that was edited is refused; in another layout it is the same; and a new checksum hides no sum."""
    tree = json.loads(saved())
    path = chance.choice([path for path in paths(tree)[1:] if path[0] != "checksum"])
    inside, key = holder(tree, path), path[-1]
    before = json.dumps(tree, sort_keys=True)
    if chance.random() < 0.3:
        del inside[key]
    else:
        value = inside[key]
        text = str(value)
        inside[key] = chance.choice(
            [
                misspelt(chance, text, "hide"),
                "17",
                "-1",
                None,
                [],
                {},
                value * 2 if isinstance(value, int) else text * 2,
            ]
        )
    changed = json.dumps(tree, sort_keys=True) != before
    sealed = chance.random() < 0.3
    if sealed:
        tree["checksum"] = checksum(tree)
    (folder / "plan.json").write_text(json.dumps(tree, indent=chance.choice([None, 2])), encoding="utf-8")
    try:
        found = Plan.load(folder)
    except PlanError:
        return
    assert sealed or not changed or found == Plan.from_json(saved())
    assert found.bound <= found.cost == found.bill + found.unserved_cost + found.moving_cost
    assert not HIDDEN.search(found.to_json())


# -- journals, tables, names, files -----------------------------------------------------------------------------------
def a_journal(chance: random.Random, folder: Path) -> None:
    """Whatever happens to a journal's file, every whole record is read, and none is made up."""
    payloads = [chance.randbytes(chance.randint(1, 200)) for _ in range(chance.randint(1, 12))]
    whole = [frame(number, payload) for number, payload in enumerate(payloads)]
    file = folder / "w0-00000001.journal"
    data = edit_bytes(chance, MAGIC + b"".join(whole))
    file.write_bytes(data)
    try:
        items = list(frames(file))
    except JournalError:
        assert not any(each in data for each in whole)
        return
    shown = {(item.number, item.payload) for item in items if isinstance(item, JournalFrame)}
    assert shown <= set(enumerate(payloads))
    assert shown == {(n, payload) for n, payload in enumerate(payloads) if whole[n] in data}


def a_table(chance: random.Random, folder: Path) -> None:
    """A table with some bytes changed is read, or refused with a place, soon."""
    rows = "".join(f"2026-01-05T{hour:02}:00:00Z,{hour},1\n" for hour in range(24))
    data = f"timestamp,input,output\n{rows}".encode()
    if chance.random() < 0.5:
        data = edit_bytes(chance, data)
    if chance.random() < 0.5:
        data = gzip.compress(data, mtime=0)
    (folder / "t.csv").write_bytes(edit_bytes(chance, data))
    with suppress(ValueError, MissingExtraError):
        soon(lambda: TraceSource(file="t.csv").read(folder), MAX_CALLS)


def names(chance: random.Random, folder: Path) -> None:
    """A name is found again by its own letters, among few and many."""
    known = {
        "".join(chance.choices("abcde-0123456789", k=chance.randint(3, 30))) for _ in range(chance.choice([5, 3000]))
    }
    word = chance.choice(sorted(known))
    assert nearest(word, known) == word
    longer = f"{word}{chance.choice('xyz')}"
    assert len(word) < 8 or nearest(longer, known) is not None


def a_file(chance: random.Random, folder: Path) -> None:
    """What is written is what is read, with nothing beside it."""
    content = chance.randbytes(chance.randint(0, 5000))
    write(folder / "x", b"old")
    write(folder / "x", content)
    assert (folder / "x").read_bytes() == content
    assert [each.name for each in folder.iterdir()] == ["x"]


KINDS: dict[str, Callable[[random.Random, Path], None]] = {
    "case": a_case,
    "section": any_section,
    "bytes": any_bytes,
    "plan": a_plan,
    "journal": a_journal,
    "table": a_table,
    "names": names,
    "file": a_file,
    **fuzz_books.KINDS,
}


def once(kind: str, seed: int) -> None:
    """One file of a kind, made from a seed. Raises whatever must not be."""
    with tempfile.TemporaryDirectory() as folder:
        KINDS[kind](random.Random(f"{kind} {seed}"), Path(folder))


def main() -> int:
    """Run all kinds in turn until the time is over; print each seed that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None, help="the first one; default: another at each run")
    parser.add_argument("--kind", choices=list(KINDS), action="append")
    asked = parser.parse_args()
    first = random.SystemRandom().randrange(10**9) if asked.seed is None else asked.seed
    print(f"first seed {first}", flush=True)
    seed, failed, end = first, 0, time.monotonic() + asked.minutes * 60
    while seed == first or time.monotonic() < end:
        for kind in asked.kind or KINDS:
            try:
                once(kind, seed)
            except Exception:  # whatever must not be
                failed += 1
                print(f"--kind {kind} --seed {seed} fails:\n{traceback.format_exc(limit=-4)}", flush=True)
        seed += 1
    print(f"{seed - first} seeds of each kind, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
