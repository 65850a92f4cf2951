"""Where optional packages are not installed: live traffic says which to install, and planning needs none."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from detente.errors import LIVE
from detente.gateway.serving.observing.call_trace import COLLECTED_BY
from tests.cli.asking import written
from tests.cli.shell import ROOT, environment
from tests.gateway.caller import HELLO
from tests.gateway.stage import case_data
from tests.waiting import PATIENCE

WITHOUT = "import sys; sys.modules.update(dict.fromkeys({missing!r})); from detente.cli import main; main()"


def detente(missing: list[str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command where packages are not installed."""
    command = [sys.executable, "-c", WITHOUT.format(missing=missing), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=PATIENCE, check=False)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return written(tmp_path / "case", case_data({"south": "http://127.0.0.1:1"}))


@pytest.mark.parametrize("command", ["serve", "serve --sandbox", "sandbox", "explain --request", "journal"])
def test_live_traffic_says_what_to_install(case: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "body.json").write_text(json.dumps(HELLO))
    name, *flags = command.split()
    more = {"explain": [tmp_path / "body.json", "--workload", "chat"], "serve": ["--port", 0]}.get(name, [])
    done = detente(sorted(LIVE), name, tmp_path if name == "journal" else case, *flags, *more)
    assert done.stderr == "live traffic needs an optional package: pip install 'detente[gateway]'\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_a_name_says_what_to_install() -> None:
    """In every form of import, and where an ImportError is waited for."""
    program = "import sys; sys.modules['msgspec'] = None\ntry: from detente import simulate\n"
    program += "except ImportError as error: print(error)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
    )
    assert (done.stdout, done.stderr) == ("`simulate` needs an optional package: pip install 'detente[gateway]'\n", "")


def test_a_program_reads_what_to_install(case: Path) -> None:
    done = detente(["msgspec"], "serve", case, "--port", 0, "--json")
    (mistake,) = json.loads(done.stdout)["mistakes"]
    assert (done.returncode, mistake["what"]) == (2, done.stderr.strip())


@pytest.mark.parametrize("package", sorted(LIVE))
def test_each_package_of_the_extra_is_known(case: Path, tmp_path: Path, package: str) -> None:
    done = detente([package], "serve", case, "--port", 0, "--journal", tmp_path / "journal")
    assert (done.returncode, done.stderr) == (
        2,
        "live traffic needs an optional package: pip install 'detente[gateway]'\n",
    )


def test_the_extra_is_what_the_project_declares() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["gateway"]
    assert {line.partition(">")[0].replace("-", "_") for line in declared} == LIVE


@pytest.mark.parametrize("package", ["opentelemetry", *COLLECTED_BY])
def test_traces_say_what_to_install(case: Path, package: str) -> None:
    done = detente([package], "serve", case, "--port", 0, "--traces")
    assert (done.returncode, done.stderr) == (
        2,
        "sending traces needs an optional package: pip install 'detente[traces]'\n",
    )


def test_nothing_of_traces_is_imported_where_they_are_off() -> None:
    program = "import sys, detente.gateway.serving.processes.worker; sys.exit('opentelemetry' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], env=environment(), timeout=PATIENCE, check=False).returncode
        == 0
    )


def test_planning_needs_none_of_them(case: Path) -> None:
    assert detente(sorted(LIVE), "check", case).returncode == 0


def test_a_package_of_ours_that_is_missing_is_a_defect_and_not_hidden(case: Path) -> None:
    done = detente(["detente.case.case"], "check", case)
    assert "Traceback" in done.stderr
