"""A real PostgreSQL for the tests of the ledger, from the binaries of a wheel, on a socket and on no port.

``DETENTE_TEST_POSTGRES`` names a server of one's own instead: a URL of a database in which schemas may be made.
PostgreSQL refuses to run as root: there, it runs as nobody.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until

OWN = "DETENTE_TEST_POSTGRES"
NOBODY = 65534


def _binaries() -> Path:
    """Where they are; skips where there are none, or they do not run."""
    found = importlib.util.find_spec("pgserver")
    if found is None or found.origin is None:
        pytest.skip("there is no PostgreSQL: pgserver has no wheel for this Python or platform, and no URL is given")
    folder = Path(found.origin).parent / "pginstall" / "bin"
    try:
        subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, **_who())
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"PostgreSQL does not run here: {error}")
    return folder


def _who() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


class PostgresServer:
    """A server, and its folder."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._folder, self._binaries = folder, binaries
        self._running: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def make(self) -> None:
        """Make its folder ready. No file is forced to disk: a test that loses its machine has lost anyway."""
        asked = ["--no-sync", "-A", "trust", "-U", "postgres", "--encoding=utf8", "--locale=C", "-D"]
        run = [f"{self._binaries}/initdb", *asked, f"{self._folder}/data"]
        subprocess.run(run, check=True, capture_output=True, cwd=self._folder, **_who())

    def start(self) -> None:
        """Start it, and wait until it answers."""
        asked = ["-D", f"{self._folder}/data", "-k", f"{self._folder}", "-h", "", "-F", "-c", "max_connections=20"]
        with (self._folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                [f"{self._binaries}/postgres", *asked], stdout=log, stderr=log, cwd=self._folder, **_who()
            )
        until(self._answers, "PostgreSQL does not answer")

    def _answers(self) -> bool:
        import psycopg

        assert self._running is not None
        assert self._running.poll() is None, (self._folder / "log").read_text(encoding="utf-8")
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; who is connected is thrown out."""
        if self._running is not None:
            self._running.send_signal(how)
            self._running.wait()
            self._running = None


@contextmanager
def a_server() -> Iterator[PostgresServer]:
    """A server of one's own, which is stopped at the end."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # not pytest's folder: its path is too long for a socket
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    server = PostgresServer(folder, binaries)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def schema_of(url: str, name: str) -> str:
    """The URL of a schema of its own, new."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{name}"')
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
