"""The table of kinds: each file of clauses has its line, and a case imports only the kinds that it uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import detente.terms
from detente.case import kind_words
from detente.terms import KINDS, kind_named, kind_of

CASE = """\
name: one-kind
horizon: { start: 2026-01-01, end: 2026-07-01 }
providers: [{ id: north, name: North, law: DE, regions: { hall: { country: DE } } }]
offers: [{ id: api, provider: north, region: hall, kind: tokens, model: m,
           price: { input: 1 USD per Mtok, output: 1 USD per Mtok } }]
workloads: [{ id: chat, kind: inference, runs-on: { models: [m] }, mix: { output: 20% }, demand: 1 Mtok per day }]
agreements:
  - { id: deal, with: north, effective: 2026-01-01, terms: [{ id: eu, kind: residency, within: [EU] }] }
"""
LIST = """\
import sys
from detente.case.case import Case
Case.load(sys.argv[1])
print(*sorted(name for name in sys.modules if name.startswith("detente.terms.")))
"""


def test_every_line_names_the_kind_that_its_file_holds() -> None:
    assert {name: kind_of(kind_named(name)) for name in KINDS} == {name: name for name in KINDS}


def test_every_file_of_clauses_has_a_line() -> None:
    files = {path.stem for path in Path(detente.terms.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {kind_named(name).__module__.rpartition(".")[2] for name in KINDS}
    said = {word.strip().replace(" ", "-") for words in kind_words.SAID.values() for word in words.split(",")}
    assert said & KINDS.keys() == set()


def test_a_case_imports_only_the_kinds_that_it_uses(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(CASE)
    ran = subprocess.run([sys.executable, "-c", LIST, str(tmp_path)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["detente.terms.residency"]
