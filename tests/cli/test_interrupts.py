"""Ctrl-C, a time limit, and a reader that goes away: a command ends at once, and says how."""

from __future__ import annotations

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from detente.cli import cli
from detente.results.plan import Plan
from tests.cli.asking import document, slow
from tests.cli.shell import detente, environment
from tests.waiting import PATIENCE


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program that calls a command its own way."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False, timeout=PATIENCE
    )


SOLVING = """
import signal, sys
import highspy
real, looks = highspy.Highs.wait, {looks}
def wait(solver, timeout=None):
    global looks
    done = real(solver, timeout)
    looks -= not done[0]
    if not (looks or done[0]):
        looks = -1
        signal.raise_signal(signal.SIGINT)
    return done
highspy.Highs.wait = wait
sys.argv[:] = {arguments!r}
from detente.__main__ import main
main()
"""


@pytest.mark.parametrize("looks", [1, 8])
def test_control_c(tmp_path: Path, looks: int) -> None:
    """Pressed as the plan looks whether the solver is done, and finds it at work: the first time, or later."""
    arguments = ["detente", "plan", str(slow(tmp_path / "slow")), "--gap", "0%", "--json"]
    done = python(SOLVING.format(looks=looks, arguments=arguments))
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.returncode in (0, 130), (done.returncode, done.stderr)
    if done.returncode == 0:
        assert done.stderr == ""  # the solver's own words stay away
        found = document(done)
        assert found["status"] == "interrupted"
        assert Decimal(found["bound"]) < Decimal(found["cost"])
    else:
        assert (done.stdout, done.stderr.strip()) == ("", "stopped")


def test_control_c_while_a_plan_is_saved_and_printed(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Plan.save

    def pressed(plan: Plan, folder: Path) -> list[Path]:
        signal.raise_signal(signal.SIGINT)
        return save(plan, folder)

    monkeypatch.setattr(Plan, "save", pressed)
    out = tmp_path / "out"
    done = CliRunner().invoke(cli, ["plan", str(good), "--out", str(out), "--json"], standalone_mode=False)
    assert (done.return_value, Plan.load(out)) == (0, Plan.from_json(done.stdout))


PRESSED = """
import signal, sys
class Pressing:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
if {ignored}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.meta_path.insert(0, Pressing())
sys.argv[:] = {arguments!r}
from detente.__main__ import main
main()
"""


def pressed(module: str, *arguments: object, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command in which Ctrl-C is pressed at the moment at which it first imports a module."""
    code = PRESSED.format(module=module, ignored=ignored, arguments=["detente", *map(str, arguments)])
    return python(code)


@pytest.mark.parametrize(
    "module", ["detente.cli", "click", "detente.case.case", "pydantic", "numpy", "highspy", "detente.planner.check"]
)
def test_control_c_at_the_start(good: Path, module: str) -> None:
    done = pressed(module, "check", good)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "stopped")


def test_control_c_that_pydantic_hides() -> None:
    """It then ends in an error of pydantic's that has nothing but the name."""
    code = "import detente.cli as c\ndef hidden(): raise ValueError('SchemaError: …\\n  KeyboardInterrupt: ')\n"
    code += "c._code = hidden\nc.main(interruptible=True)"
    done = python(code)
    assert (done.returncode, done.stderr) == (130, "stopped\n")


def test_control_c_of_another_s_terminal_is_ignored_in_the_background(good: Path) -> None:
    done = pressed("numpy", "check", good, "--json", ignored=True)
    assert (done.returncode, document(done)["answer"]) == (0, "yes")


def test_control_c_after_the_end_changes_nothing(good: Path) -> None:
    code = "import atexit, signal, sys\natexit.register(signal.raise_signal, signal.SIGINT)\n"
    code += f"sys.argv[:] = ['detente', 'check', {str(good)!r}, '--json']\nfrom detente.__main__ import main\nmain()"
    done = python(code)
    assert (done.returncode, done.stderr, document(done)["answer"]) == (0, "", "yes")


def test_a_time_limit_is_kept(tmp_path: Path) -> None:
    """Without one it runs for longer than ``detente`` waits."""
    done = detente("plan", slow(tmp_path / "slow"), "--gap", "0%", "--time-limit", "2", "--json")
    assert done.returncode in (0, 3)
    status = document(done)["status"]
    assert status in (("time-limit", "feasible") if done.returncode == 0 else ("not-settled",))


def test_a_reader_that_goes_away(good: Path) -> None:
    shell = f"'{sys.executable}' -m detente plan '{good}' --json | head -c 10"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env=environment(), check=False, timeout=PATIENCE
    )
    assert done.stdout == '{"checksum'
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
