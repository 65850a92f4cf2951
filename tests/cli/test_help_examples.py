"""The examples that helps end with: what they name is in the example case that they name."""

from __future__ import annotations

import shlex
from itertools import pairwise
from pathlib import Path

import click
import pytest

from detente import Case
from detente.cli.command import Subgroup, cli

ROOT = Path(__file__).parents[2]


def examples() -> dict[str, str]:
    """The example of each command, and of those of a group, by its name; without those that name no case."""
    named: dict[str, click.Command] = cli.every()
    for name, group in list(named.items()):
        if isinstance(group, Subgroup):
            named |= {f"{name} {inner}": command for inner, command in group.commands.items()}
    found = {name: str(getattr(command, "example", "")) for name, command in named.items()}
    return {name: example for name, example in found.items() if " examples/" in example}


def ids(case: Case, option: str) -> set[str]:
    """What an option may name in a case."""
    if option == "--agreement":
        return {each.id for each in case.declared.agreements}
    if option == "--workload":
        return {each.id for each in case.workloads}
    return set(case.readings)


def test_many_examples_name_a_case() -> None:
    assert {"plan", "statement", "keys new", "replay", "explain"} <= set(examples())


@pytest.mark.parametrize("name", examples())
def test_what_an_example_names_is_in_its_case(name: str) -> None:
    words = shlex.split(examples()[name])
    case = Case.load(ROOT / next(word for word in words if word.startswith("examples/")))
    for option, value in pairwise(words):
        if option in ("--agreement", "--workload", "--reading"):
            assert value in ids(case, option), f"{option} {value}"
    if name == "explain":
        workload, _, provider = words[3].partition("@")
        assert workload in ids(case, "--workload")
        assert provider in {each.id for each in case.declared.providers}
