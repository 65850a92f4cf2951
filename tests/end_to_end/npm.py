"""Clients that come from npm: installed once a machine, at one version.

Owns: installing, and running one against a gateway with nothing of this user's own. Not here: what is asked of them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.serving import Gateway
from tests.waiting import PATIENCE

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "detente-tests"
INSTALLING = 300
"""Seconds for a package to come: its size is some 200 MB."""
CLAUDE_CODE = ("@anthropic-ai/claude-code", "2.1.332")
CODEX = ("@openai/codex", "0.171.0")
CONTINUE = ("@continuedev/cli", "1.5.47")
OPENAI = ("openai", "7.59.0")
AI_SDK = (
    ("ai", "7.0.173"),
    ("@ai-sdk/anthropic", "4.0.105"),
    ("@ai-sdk/openai", "4.0.118"),
    ("@ai-sdk/openai-compatible", "3.0.92"),
)


def installed(*packages: tuple[str, str]) -> Path:
    """The folder of the modules of packages. Skips the test where npm, or its registry, cannot be had."""
    name, version = packages[0]
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here")
    folder = CACHE / f"{name.rpartition('/')[2]}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:  # of tests that run side by side, one installs
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(npm, folder, [f"{name}@{version}" for name, version in packages])
    return folder / "node_modules"


def _install(npm: str, folder: Path, names: list[str]) -> None:
    if not (folder / "whole").exists():
        asked = [
            npm,
            "install",
            "--prefix",
            str(folder),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            *names,
        ]
        try:
            done = subprocess.run(asked, capture_output=True, timeout=INSTALLING, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not bring {names[0]} within {INSTALLING} s")
        if done.returncode:
            pytest.skip(f"npm cannot bring {names[0]}: {done.stderr.decode(errors='replace')[-200:]}")
        (folder / "whole").touch()


def run(program: list[str], home: Path, **environment: str) -> str:
    """What a program prints that ends well, in a home of its own."""
    work = home / "work"
    work.mkdir(parents=True, exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "127.0.0.1", **environment}
    done = subprocess.run(
        program, cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
    )
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said[-2000:] + done.stderr.decode(errors="replace")[-2000:]
    return said


def claude_code(gateway: Gateway, home: Path, *arguments: str) -> str:
    """One turn of Claude Code."""
    program = next(installed(CLAUDE_CODE).glob("@anthropic-ai/claude-code-*/claude"), None)
    if program is None:
        pytest.skip("Claude Code is not built for this machine")
    return run(
        [str(program), *arguments],
        home,
        ANTHROPIC_BASE_URL=gateway.address,
        ANTHROPIC_API_KEY=gateway.keys["coding"],
        IS_SANDBOX="1",
        DISABLE_TELEMETRY="1",
        DISABLE_AUTOUPDATER="1",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )


def script(name: str, packages: tuple[tuple[str, str], ...], home: Path, **environment: str) -> str:
    """What a script beside the tests prints, with these packages. Skips the test where Node cannot be had."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    work = home / "work"
    work.mkdir()
    (work / "node_modules").symlink_to(installed(*packages))
    (work / name).write_bytes(Path(__file__).with_name(name).read_bytes())
    return run([node, name], home, **environment)


AGENT = """name: detente
version: 1.0.0
schema: v1
models:
  - {{ name: detente, provider: {provider}, model: {model}, apiBase: "{address}/v1", apiKey: "{key}", roles: [chat] }}
"""


def continued(gateway: Gateway, home: Path, provider: str, model: str, *arguments: str) -> str:
    """One run of Continue, which asks as a provider's clients do."""
    home.mkdir()
    told = home / "config.yaml"
    key = gateway.keys["everything"]
    told.write_text(AGENT.format(provider=provider, model=model, address=gateway.address, key=key))
    program = installed(CONTINUE) / ".bin" / "cn"
    return run([str(program), *arguments, "--config", str(told)], home, CONTINUE_TELEMETRY_ENABLED="0")


CONFIGURATION = """model = "{model}"
model_provider = "detente"

[model_providers.detente]
name = "detente"
base_url = "{address}/v1"
env_key = "DETENTE_KEY"
wire_api = "responses"
"""


def codex(gateway: Gateway, home: Path, model: str, *arguments: str) -> str:
    """One turn of Codex."""
    program = installed(CODEX) / ".bin" / "codex"
    folder = home / ".codex"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(CONFIGURATION.format(model=model, address=gateway.address))
    return run([str(program), "exec", "--skip-git-repo-check", *arguments], home, DETENTE_KEY=gateway.keys["coding"])
