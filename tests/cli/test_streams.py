"""Standard streams as a shell sets them up: the exit code is the answer, and nothing else changes it."""

from __future__ import annotations

import codecs
import json
import os
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from detente.cli import streams
from tests.builders import agreement, data_of, tokens, work
from tests.cli.asking import written
from tests.cli.shell import detente, environment
from tests.waiting import PATIENCE

TITLE = "Größe → 文 \N{GRINNING FACE}"
RUN = f"{shlex.quote(sys.executable)} -m detente"


def shell(line: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line as bash does; ``detente`` in it is ours."""
    line = line.replace("detente ", f"{RUN} ")
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, env=environment(**more), cwd=cwd, timeout=PATIENCE, check=False
    )


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = data_of([tokens("north", 3), tokens("south", 2)], [work()], months=1) | {"title": TITLE}
    return written(tmp_path_factory.mktemp("good") / "case", data)


@pytest.fixture(scope="module")
def clash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    only = {"kind": "exclusivity", "of": {"workload": "chat"}}
    deals = [
        agreement(only | {"id": "a", "provider": "north"}, party="north"),
        agreement(only | {"id": "b", "provider": "south"}, party="south"),
    ]
    data = data_of([tokens("north", 3), tokens("south", 2)], [work()], *deals, months=1)
    return written(tmp_path_factory.mktemp("clash") / "case", data)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-16"])
def test_any_encoding(good: Path, encoding: str) -> None:
    done = shell(f"detente plan {good}", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_json_stays_json(good: Path, encoding: str) -> None:
    done = shell(f"detente plan {good} --json", PYTHONIOENCODING=encoding)
    assert json.loads(done.stdout.decode(encoding))["title"] == TITLE


@pytest.mark.parametrize(
    ("streams", "printed"), [(">&-", False), ("2>&-", True), (">&- 2>&-", False), ("<&- >&- 2>&-", False)]
)
def test_closed(good: Path, clash: Path, streams: str, printed: bool) -> None:
    for case, code in ((good, 0), (clash, 1), (good / "nosuch", 2)):
        done = shell(f"detente check {case} {streams}")
        assert done.returncode == code
        assert bool(done.stdout) == (printed and code < 2)
        assert b"Traceback" not in done.stderr


def test_nothing_is_written_into_what_takes_a_closed_stream_s_number(good: Path, tmp_path: Path) -> None:
    """A file that is opened while standard output is closed would be number 1, where the solver prints."""
    done = shell(f"detente plan {good} --out {tmp_path / 'out'} >&- 2>&-")
    assert done.returncode == 0
    assert json.loads((tmp_path / "out" / "plan.json").read_bytes())["title"] == TITLE


@pytest.mark.parametrize("command", ["schema", "--help", "plan --help", "plan {case}", "plan {case} --json"])
def test_a_reader_who_leaves(good: Path, command: str, tmp_path: Path) -> None:
    """The command begins once the reader has closed its end."""
    closed = tmp_path / "closed"
    os.mkfifo(closed)
    begins, leaves = f"read -r < {closed}; detente {command.format(case=good)}", f"exec <&-; echo > {closed}"
    done = shell(f"{{ {begins}; }} | ({leaves}); exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 141
    assert done.stderr == b""


def test_head(good: Path) -> None:
    done = shell(f"detente plan {good} | head -1; exit ${{PIPESTATUS[0]}}")
    assert done.returncode in (0, 141)
    assert done.stderr == b""
    assert done.stdout.decode().strip() == TITLE


def test_a_reader_of_messages_who_leaves(good: Path, clash: Path, tmp_path: Path) -> None:
    for command, code in (
        (f"plan {good} --out {tmp_path / 'a'}", 0),
        (f"check {clash}", 1),
        (f"check {tmp_path / 'no'}", 2),
    ):
        done = shell(f"(detente {command} 2>&1 >{tmp_path / 'out'}; echo $? >{tmp_path / 'code'}) | (exec <&-)")
        assert done.stderr == b""
        assert (tmp_path / "code").read_text() == f"{code}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_behind_the_output(good: Path) -> None:
    for flags in ("", "--json"):
        done = shell(f"detente plan {good} {flags} >/dev/full")
        assert (done.returncode, done.stderr) == (2, b"output: No space left on device\n")
    assert shell(f"detente check {good} 2>/dev/full").returncode == 0


def test_a_working_directory_that_was_removed(good: Path, tmp_path: Path) -> None:
    gone, kept = tmp_path / "gone", tmp_path / "kept"

    def there(command: str) -> subprocess.CompletedProcess[str]:
        gone.mkdir()
        done = detente(*command.split(), cwd=gone, first=partial(os.rmdir, gone))
        assert not gone.exists()
        return done

    for command in (f"check {good}", f"plan {good} --out {kept}", f"report {kept}"):
        assert there(command).returncode == 0
    for command in (f"plan {good} --out rel", f"report {kept} --out x.html", "init new"):
        done = there(command)
        assert done.returncode == 2
        assert "the working directory was removed" in done.stderr
    for command in ("check .", "check case"):
        assert there(command).returncode == 2
    begun = shell(f"mkdir {gone}; cd {gone}; rmdir {gone}; detente check {good}")
    assert (begun.returncode, begun.stderr) == (0, b"")


def test_a_pipe_is_no_file_and_standard_input_is(good: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for command in (f"check {pipe}", f"report {pipe}"):
        done = detente(*command.split())
        assert done.returncode == 2
        assert "it is a pipe, and not a file" in done.stderr
    done = detente("explain", good, "--workload", "chat", "--request", pipe)
    assert (done.returncode, done.stderr) == (2, f"{pipe}: it is a pipe, and not a file\n")
    given = shell(f"echo '{{}}' | detente explain {good} --workload chat --request -")
    assert b"the case has no deployments" in given.stderr


def test_no_message_forges_the_screen(tmp_path: Path) -> None:
    done = detente("check", tmp_path / "\x1b[2K\rYes")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\r" not in done.stderr
    assert "\x1b" not in detente("plan", "\x1b[2KYes", "--nonsense", "\x1b[2K").stderr


def test_a_defect_is_no_answer(good: Path) -> None:
    code = (
        "import sys, detente.cli.check as p; from detente.cli import main\n"
        "def broken(*_): raise TypeError('a slip')\n"
        "p.load = broken; sys.argv = ['detente', 'check', 'x']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 70
    assert "TypeError: a slip" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("this is a defect of detente and not of your files")


def test_what_an_encoding_cannot_write_is_written_as_json() -> None:
    codecs.register_error(streams.ESCAPED, streams._escape)
    text = f"{TITLE}\udcff"
    for encoding in ("ascii", "latin-1", "utf-8", "utf-16"):
        found = text.encode(encoding, streams.ESCAPED).decode(encoding)
        assert json.loads(f'"{found}"') == text
