"""The public names, by every form of import."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from importlib import metadata

import pytest

import detente

FORMS = [
    "from detente import Case, check, plan",
    "import detente; Case, check, plan = detente.Case, detente.check, detente.plan",
    "from detente import *",
    "import detente as d; from detente import plan, check, Case; assert d.plan is plan",
    "import detente.planner.solve, detente.results.plan; from detente import Case, check, plan",
    "import detente.case.case, detente.planner.check; from detente import plan, Case, check",
]


@pytest.mark.parametrize("form", FORMS)
def test_the_three_names_can_be_imported(form: str) -> None:
    code = f"{form}\nassert callable(plan) and callable(check) and isinstance(Case, type), (plan, check, Case)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_module_hides_a_public_name() -> None:
    assert {m.name for m in pkgutil.iter_modules(detente.__path__)}.isdisjoint(detente.__all__)
    assert set(detente.__all__) <= set(dir(detente))
    for name in detente.__all__:
        home = importlib.import_module(getattr(detente, name).__module__)
        assert getattr(home, name) is getattr(detente, name)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module `detente` has no `solve`"):
        _ = detente.solve


def test_the_version_is_that_of_the_package() -> None:
    assert detente.__version__ == metadata.version("detente")
