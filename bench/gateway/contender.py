"""Who is measured: `detente serve` and its peers, each a process that passes calls on to the stub.

Owns: how each is installed, configured, started, recognised as ready, and stopped. Not here: load and figures
(``load``, ``measure``).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from bench.gateway import serving_case
from bench.gateway.load import Target
from bench.gateway.process import prefer, tree

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "detente-bench"
PATH = "/v1/chat/completions"


class Unavailable(Exception):  # noqa: N818 (it is an answer)
    """A contender that cannot be measured here, and why."""


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Cores:
    """Which cores the measured process has, and which the load and the stub share."""

    measured: frozenset[int]
    rest: frozenset[int]

    @staticmethod
    def split(measured: int = 1) -> Cores:
        """The last cores for what is measured; all the others for the rest."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) <= measured:
            raise SystemExit(f"the bench needs more than {measured} core(s), and has {len(cores)}")
        return Cores(frozenset(cores[-measured:]), frozenset(cores[:-measured]))


@dataclass
class Contender:
    """One process (with its workers) that answers on loopback.

    Parameters
    ----------
    folder
        Its own, for configuration and logs.
    upstream
        The stub's ports.
    cores
        What it runs on.
    workers
        How many processes serve.
    nice
        Its priority.
    """

    name: ClassVar[str]
    key: ClassVar[str] = "none"
    model: ClassVar[str] = serving_case.PASSED
    patience: ClassVar[float] = 20.0
    warm_up: ClassVar[float] = 1.0
    ready_path: ClassVar[str] = "/readyz"
    environment: ClassVar[dict[str, str]] = {}

    folder: Path
    upstream: tuple[int, int]
    cores: frozenset[int]
    workers: int = 1
    nice: int = 0
    port: int = field(default_factory=free_port)
    started_in: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Install and configure. Raises ``Unavailable``."""

    def command(self) -> list[str]:
        raise NotImplementedError

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def target(self, model: str | None = None) -> Target:
        """What the load is aimed at."""
        name = model or self.model
        return Target(*self.address, serving_case.PATHS.get(name, PATH), self.key, name)

    @property
    def pids(self) -> list[int]:
        assert self.process is not None
        return tree(self.process.pid)

    def start(self) -> None:
        """Start it, and wait until it is ready. Raises ``Unavailable`` with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        command = ["taskset", "-c", ",".join(map(str, sorted(self.cores))), *self.command()]
        begin = time.perf_counter()
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        try:
            if self.nice:
                prefer(self.process.pid, self.nice)
            self._wait(begin)
        except BaseException:
            self.stop()
            raise
        self.started_in = time.perf_counter() - begin

    def _wait(self, begin: float) -> None:
        assert self.process is not None
        while not self._ready():
            waited = time.perf_counter() - begin
            if self.process.poll() is not None:
                raise Unavailable(f"{self.name} ended with {self.process.returncode}: {self._log()}")
            if waited > self.patience:
                raise Unavailable(f"{self.name} did not become ready in {waited:.0f} s: {self._log()}")
            time.sleep(0.002)

    def _ready(self) -> bool:
        """Whether it answers, and with 200 where it is asked whether it is ready."""
        try:
            with socket.create_connection(self.address, timeout=1) as asked:
                asked.sendall(f"GET {self.ready_path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n".encode())
                return self._answers(asked.recv(64))
        except OSError:
            return False

    def _answers(self, head: bytes) -> bool:
        return head.startswith(b"HTTP/1.1 200")

    def _log(self) -> str:
        try:
            text = (self.folder / "log").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return "no log"
        return " / ".join(text.splitlines()[-3:])[-300:] or "nothing in its log"

    def stop(self) -> None:
        """End it and its workers: nothing else is in its session."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):  # as a rule, nobody is left
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


@dataclass
class Stub(Contender):
    """The provider itself: what a call costs without any gateway."""

    name = "direct"
    ready_path = "/stub"
    rate: ClassVar[float] = 50.0

    def __post_init__(self) -> None:
        self.port = self.upstream[0]

    def command(self) -> list[str]:
        ports = ",".join(map(str, self.upstream))
        return [sys.executable, str(HERE / "stub.py"), "--ports", ports, "--rate", str(self.rate)]


class Nginx(Contender):
    """A pass-through that does nothing else: the measure of all of them."""

    name = "nginx"

    def _answers(self, head: bytes) -> bool:
        return head.startswith(b"HTTP/1.1 ")

    def prepare(self) -> None:
        if _nginx() is None:
            raise Unavailable("nginx is not installed (Debian: `apt-get install nginx-light`)")
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        # As root, nginx drops to `nobody`, who may not see the bench's folder.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user}daemon off;\nworker_processes {self.workers};\npid {self.folder}/pid;\nerror_log stderr;\n"
            "events { worker_connections 8192; }\n"
            f"http {{\naccess_log off;\n{temporary}keepalive_requests 1000000000;\nkeepalive_timeout 600s;\n"
            f"upstream stub {{ server 127.0.0.1:{self.upstream[1]}; keepalive 1024; "
            "keepalive_requests 1000000000; keepalive_timeout 600s; }\n"
            f"server {{ listen 127.0.0.1:{self.port} backlog=4096; location / {{\nproxy_pass http://stub;\n"
            'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;\n} }\n}\n',
            encoding="utf-8",
        )

    def command(self) -> list[str]:
        found = _nginx()
        assert found is not None
        return [found, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]


def _nginx() -> str | None:
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


class Floor(Contender):
    """uvicorn with bare ASGI and a client of our own, and nothing between."""

    name = "floor"

    def _answers(self, head: bytes) -> bool:
        return head.startswith(b"HTTP/1.1 ")

    def command(self) -> list[str]:
        where = ["--port", str(self.port), "--upstream", str(self.upstream[1])]
        return [sys.executable, str(HERE / "floor.py"), *where, "--workers", str(self.workers)]


class LiteLLM(Contender):
    """LiteLLM's proxy, in an environment of its own: no database, one worker, quiet."""

    name = "litellm"
    key = "sk-bench"
    patience = 180.0
    warm_up = 8.0
    ready_path = "/health/liveliness"
    environment: ClassVar[dict[str, str]] = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would fetch the map from the network
        "NO_PROXY": "*",
    }

    def prepare(self) -> None:
        _installed("litellm", "litellm[proxy]")
        (self.folder / "litellm.yaml").write_text(
            "model_list:\n"
            f"  - model_name: {self.model}\n"
            f"    litellm_params: {{ model: openai/{self.model}, api_key: none, "
            f"api_base: 'http://127.0.0.1:{self.upstream[1]}/v1' }}\n"
            f"general_settings: {{ master_key: {self.key} }}\n"
            "litellm_settings: { telemetry: false }\n",
            encoding="utf-8",
        )

    def command(self) -> list[str]:
        given = ["--config", str(self.folder / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(self.port)]
        return [str(CACHE / "litellm" / "bin" / "litellm"), *given, "--num_workers", str(self.workers)]


class VllmRouter(Contender):
    """vLLM's router: a load balancer in Rust that passes on to one worker, with neither rules nor records."""

    name = "vllm-router"
    patience = 60.0
    ready_path = "/health"

    def prepare(self) -> None:
        _installed("vllm-router", "vllm-router")

    def command(self) -> list[str]:
        given = ["--host", "127.0.0.1", "--port", str(self.port), "--policy", "round_robin", "--log-level", "error"]
        worker = ["--worker-urls", f"http://127.0.0.1:{self.upstream[1]}"]
        unmeasured = ["--prometheus-port", str(free_port())]
        return [str(CACHE / "vllm-router" / "bin" / "vllm-router"), *given, *worker, *unmeasured]


def _installed(command: str, package: str) -> None:
    """A peer from PyPI, in an environment of its own, on the Python of the gateway. Raises ``Unavailable``."""
    home = CACHE / command
    same = (home / "bin" / "python").resolve() == Path(sys.executable).resolve()
    if same and (home / "bin" / command).exists():
        return
    print(f"installing {package} into {home} …", file=sys.stderr, flush=True)
    venv.create(home, with_pip=True, symlinks=True, clear=home.exists())
    asked = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", package]
    installed = subprocess.run(asked, capture_output=True, text=True, check=False)
    if installed.returncode:
        raise Unavailable(f"{package} could not be installed: {installed.stderr.strip()[-300:]}")


class Detente(Contender):
    """`detente serve` on the bench's case: policy, metering and the journal are on."""

    name = "detente"
    key = serving_case.KEY
    environment = serving_case.ENVIRONMENT

    def prepare(self) -> None:
        known = subprocess.run(
            [sys.executable, "-m", "detente", "serve", "--help"], cwd=ROOT, capture_output=True, check=False
        )
        if known.returncode:
            raise Unavailable("this version has no `detente serve`")
        case = self.folder / "case"
        if not case.exists():
            serving_case.write(case, self.upstream)

    def command(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers)]
        kept = ["--journal", str(self.folder / "journal"), "--at", serving_case.AT]
        return [sys.executable, "-m", "detente", "serve", str(self.folder / "case"), *where, *kept]


KINDS: dict[str, type[Contender]] = {kind.name: kind for kind in (Nginx, Floor, VllmRouter, LiteLLM, Detente)}
