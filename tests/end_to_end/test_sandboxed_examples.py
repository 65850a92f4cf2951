"""The path of somebody new, as ``docs/guide/gateway.md`` leads it: every command and snippet of the page is run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from tests.end_to_end.clients import of_openai
from tests.end_to_end.serving import ENTERPRISE, ROOT, Gateway, serving
from tests.end_to_end.wires import AZURE, WIRES, written
from tests.waiting import PATIENCE, until

PAGE = (ROOT / "docs" / "guide" / "gateway.md").read_text(encoding="utf-8")
SERVE = "detente serve examples/enterprise --sandbox"
FAULT = """curl -X POST $CONTROL/faults -d '{"id": "outage", "on": "azure/swedencentral", "kind": "down"}'"""
MEND = "curl -X DELETE $CONTROL/faults/outage"
KEYS = "detente keys new --workload assistant --case my-case"
LEASES = "detente leases my-case --ledger URL"
ENDED = f"{LEASES} --ended HOLDER"
"""Both are run by the tests of leases, which have a holder that ended."""
PLAN = "detente plan my-case --out my-plan"
FOLLOW = "detente serve my-case --plan my-plan --port 8080 --workers 2 --journal /var/lib/detente"
EXPLAIN = (
    "detente explain examples/enterprise --request body.json --workload assistant --label data=personal "
    "--at 2026-06-15T09:00Z"
)
TRACES = "pip install 'detente[traces]'"
TRACED = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.example:4318 detente serve my-case --traces"  # `test_traces`
JOURNAL = "detente journal /var/lib/detente --last 20"
HI: Any = [{"role": "user", "content": "What does my policy cover?"}]
curled = pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl, which is not here")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_is_run_here() -> None:
    in_blocks = [re.sub(r"\s+#.*$", "", line) for block in blocks("sh") for line in block.splitlines()]
    assert [" ".join(line.split()) for line in in_blocks] == [
        SERVE,
        FAULT,
        PLAN,
        FOLLOW,
        EXPLAIN,
        TRACES,
        TRACED,
        JOURNAL,
    ]
    in_text = re.findall(r"`((?:detente|curl) [^`]*)`", PAGE)
    assert sorted({line for line in in_text if len(line.split()) > 2}) == sorted([MEND, KEYS, LEASES, ENDED])
    assert len(blocks("python")) == 1


def ran(line: str, cwd: Path = ROOT, **env: str) -> str:
    """What a command of the page says."""
    words = [os.path.expandvars(word.replace("$CONTROL", env.get("CONTROL", ""))) for word in shlex.split(line)]
    if words[0] == "detente":
        words[:1] = [sys.executable, "-m", "detente"]
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT), **env}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def snippet(gateway: Gateway) -> list[str]:
    """What the page's program prints, with the address and the key that were printed."""
    (text,) = blocks("python")
    text = text.replace("http://127.0.0.1:8080", gateway.address)
    text = text.replace("dtk_sandbox-assistant_…", gateway.keys["assistant"])
    env = {**os.environ, "NO_PROXY": "*"}
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@curled
def test_try_it_on_a_laptop(enterprise: Gateway) -> None:
    assert str(ENTERPRISE.relative_to(ROOT)) in SERVE
    assert snippet(enterprise) == ["azure-ptu-gpt-4.1-mini", "0.000000000", "USD"]
    ran(FAULT, CONTROL=enterprise.control, NO_PROXY="*")
    try:
        where, cost, currency = snippet(enterprise)
        assert where in ("aws-nova-pro", "aws-claude-haiku-4.5")
        assert (float(cost) > 0, currency) == (True, "USD")
        with of_openai(enterprise, "assistant") as client, pytest.raises(openai.APIStatusError) as refused:
            client.chat.completions.create(model="gpt-4.1-mini", messages=HI)
        body: Any = refused.value.body
        assert body["detente"]["text"] == "Personal data is processed in the European Union."
    finally:
        ran(MEND, CONTROL=enterprise.control, NO_PROXY="*")
    until(lambda: snippet(enterprise)[0] == "azure-ptu-gpt-4.1-mini", "calls do not come back")


def test_without_json_the_keys_and_addresses_are_messages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", *SERVE.split(), "--port", "0", "--journal", str(tmp_path / "journal")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("serving on http://127.0.0.1:"):
                break
        process.terminate()
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert out == ""
    text = "".join(said)
    assert re.search(r"^key of assistant: dtk_sandbox-assistant_\S+$", text, re.MULTILINE)
    assert re.search(r"control endpoint: http://127\.0\.0\.1:\d+$", text, re.MULTILINE)


def test_a_case_of_ones_own_from_its_key_to_its_journal(tmp_path: Path) -> None:
    """The page's ``my-case``, ``my-plan`` and folder of the journal are made in a folder of the test's own."""
    (workload,) = WIRES["workloads"]
    case = {**WIRES, "workloads": [{**workload, "id": "assistant"}]}
    folder = written(tmp_path / "my-case", case)
    made = subprocess.run(
        [sys.executable, "-m", *KEYS.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    key = made.stdout.strip()
    lines = made.stderr[made.stderr.index("keys:") :]
    assert key not in made.stderr
    (folder / "keys").mkdir()
    (folder / "keys" / "keys.yaml").write_text(lines, encoding="utf-8")
    assert yaml.safe_load(lines)["keys"][0]["workload"] == "assistant"

    ran(PLAN, tmp_path)
    options = FOLLOW.replace("my-plan", str(tmp_path / "my-plan")).split()[3:]
    there = options.index("--port")
    del options[there : there + 2]  # any that is free
    del options[options.index("--journal") :]  # a folder of the test's own
    with serving(folder, tmp_path, *options, "--sandbox") as gateway:
        mine = Gateway(**{**vars(gateway), "keys": {"assistant": key}})
        with of_openai(mine, "assistant") as client:
            reply = client.chat.completions.create(model=AZURE, messages=HI)
            assert reply.choices[0].message.content
            with pytest.raises(openai.NotFoundError):
                client.chat.completions.create(model="gpt-5", messages=HI)
    shown = ran(JOURNAL.replace("/var/lib/detente", str(tmp_path / "journal")))
    assert "azure" in shown
    assert "complete" in shown
    told = ran(JOURNAL.replace("/var/lib/detente", str(tmp_path / "journal")) + " --json")
    outcomes = [json.loads(line)["outcome"] for line in told.splitlines()]
    assert sorted(outcomes) == ["complete", "refused"]


def test_a_call_is_explained_without_making_it(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"model": "gpt-4.1-mini", "messages": HI}), encoding="utf-8")
    said = ran(EXPLAIN.replace("body.json", str(body)))
    assert said.startswith("It goes to azure-ptu-gpt-4.1-mini.")
    assert "eu-residency: Personal data is processed in the European Union." in said
