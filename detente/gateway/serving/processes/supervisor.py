"""The supervisor: binds the address, starts the workers, and keeps them running.

Owns: sockets, processes and signals. One worker without a ledger runs in this very process; else workers, and a
bookkeeper where there is a ledger, are forked before any of them has a thread or a loop. Workers share one listening
socket, and what dies is followed by another. Not here: serving (``worker``), keeping books (``bookkeeper``).
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from detente.errors import ServeError
from detente.gateway.serving.processes.run_folder import run_folder
from detente.ledger.journals.journal import prepare

if TYPE_CHECKING:
    from detente.gateway.deciding.policy import Policy
    from detente.gateway.serving.settings import Say, Settings

LOOK = 0.05
"""Seconds between two looks at whether a worker that is to begin has ended instead."""
PAUSE = 1.0
"""Seconds between the death of a worker and the next one, where it died young."""
UNABLE = 2
"""The exit code of a worker that could not serve: its journal is another's, or cannot be made."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def bound(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ServeError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        choose = "port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "host"
        why = error.strerror or error
        raise ServeError(f"cannot listen on {host}:{port}: {why}; choose another {choose}") from None
    except TypeError:  # so Python says that it is no name by any encoding
        listening.close()
        raise ServeError(f"cannot listen on {host}:{port}: the host is unknown; choose another host") from None
    listening.set_inheritable(True)
    return listening


def run(settings: Settings, listening: socket.socket, policy: Policy, ready: Callable[[], None], say: Say) -> None:
    """Serve until SIGTERM or SIGINT. Raises DetenteError where it cannot start."""
    _raise_descriptors()
    prepare(settings.journal)  # what is wrong with it is said once, not by each worker
    with run_folder() as shared:
        settings = replace(settings, kept=shared / "turns")
        if settings.workers == 1 and settings.ledger is None:
            from detente.gateway.serving.processes.worker import Worker

            Worker(settings, 0, say).run(listening, policy, ready)
            return
        if settings.workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)  # before a worker imports its metrics
        _Supervisor(settings, listening, policy, say).run(ready)


def _raise_descriptors() -> None:
    """As many open files as the system lets us: by default often 1,024, and a call under way holds two connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # not given: it serves as many as it may
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Running(NamedTuple):
    """A child: the worker of a number, or the bookkeeper."""

    number: int | None
    began: float
    again: bool

    @property
    def name(self) -> str:
        return "the bookkeeper" if self.number is None else f"worker {self.number}"


class _Supervisor:
    def __init__(self, settings: Settings, listening: socket.socket, policy: Policy, say: Say) -> None:
        self._settings, self._listening, self._policy, self._say = settings, listening, policy, say
        self._running: dict[int, _Running] = {}
        self._stopping = self._unable = False
        self._watched, self._alive = os.pipe()
        """Open as long as this process lives: workers end with it, however it ends."""
        self._heard, self._begun = os.pipe()
        """A worker that has begun to serve says so."""

    def run(self, ready: Callable[[], None]) -> None:
        """Start all, and wait for them to end. Raises ServeError where they cannot start."""
        self._listening.listen(2048)
        if self._settings.metrics is not None:
            self._settings.metrics.listen(2048)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop())
        signal.signal(signal.SIGHUP, lambda *_: self._pass_on(signal.SIGHUP, self._workers()))
        for number in range(self._settings.workers):
            self._start(number, again=False)
        if self._settings.ledger is not None:
            self._start(None, again=False)
        while self._running and not select.select([self._heard], [], [], LOOK)[0]:
            self._reap(os.WNOHANG)
        if self._running and not self._unable:
            ready()
        while self._running:
            self._reap(0)
        if self._unable:
            raise ServeError("a worker could not start, so the gateway stops")

    def _reap(self, options: int) -> None:
        pid, status = os.waitpid(-1, options)
        ended = self._running.pop(pid, None)
        if ended is not None and not self._stopping:
            self._ended(pid, ended, os.waitstatus_to_exitcode(status))
        if self._stopping and not self._workers():
            self._end()

    def _ended(self, pid: int, child: _Running, code: int) -> None:
        """A child is gone, unasked: another takes its place, save where it could not even begin."""
        if code == UNABLE and not child.again:
            self._unable = True
            self._stop()
            return
        self._say(f"{child.name} ended ({_said(code)}); another one is started")
        if self._settings.workers > 1:
            self._forget(pid)
        if time.monotonic() - child.began < PAUSE:
            time.sleep(PAUSE)
        if not self._stopping:
            self._start(child.number, again=True)

    def _start(self, number: int | None, *, again: bool) -> None:
        # Signals wait until the child is known, or has its own handlers: one that comes between would be lost on it.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if pid == 0:
            self._work(number, again=again)
        self._running[pid] = _Running(number, time.monotonic(), again)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if self._stopping:
            self._end()

    def _work(self, number: int | None, *, again: bool) -> NoReturn:
        """The child: its exit code says how it ended, and nothing of the parent's runs in it."""
        code = 1
        try:
            for name in SIGNALS:
                mine = number is not None or name == signal.SIGTERM
                signal.signal(name, signal.SIG_DFL if mine else signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            os.close(self._alive)
            threading.Thread(target=self._end_with_it, daemon=True).start()
            from detente.errors import DetenteError

            try:
                policy = self._now() if again else self._policy
                if number is None:
                    self._let_go()
                    self._keep_books(policy)
                else:
                    self._serve(number, policy)
                code = 0
            except (DetenteError, OSError) as error:
                self._say(f"{_Running(number, 0.0, again).name}: {error}")
                code = UNABLE
            except KeyboardInterrupt:
                code = 0
            except BaseException:
                traceback.print_exc()
        finally:
            os._exit(code)

    def _serve(self, number: int, policy: Policy) -> None:
        from detente.gateway.serving.processes.worker import Worker

        Worker(self._settings, number, self._say).run(self._listening, policy, self._serves)

    def _keep_books(self, policy: Policy) -> None:
        from detente.gateway.serving.processes.bookkeeper import Bookkeeper

        Bookkeeper(self._settings, policy, self._say).run()

    def _serves(self) -> None:
        os.write(self._begun, b".")

    def _end_with_it(self) -> None:
        """Wait, in a worker, until the supervisor is gone; then stop as if told to."""
        os.read(self._watched, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _now(self) -> Policy:
        """The policy as the files are now: they may have changed since the gateway started."""
        from detente.errors import DetenteError

        try:
            return self._settings.source.read()
        except DetenteError as error:
            self._say(f"the changed case is rejected; the case of the start stays in force:\n{error}")
            return self._policy

    def _stop(self) -> None:
        self._stopping = True
        self._let_go()
        self._end()

    def _let_go(self) -> None:
        """Close what is listened on: held open here, it would take callers whom nobody answers."""
        if self._settings.metrics is not None:
            self._settings.metrics.close()
        self._listening.close()

    def _end(self) -> None:
        """Tell the workers to end; once none is left, the bookkeeper, which puts the last of it on the books."""
        self._pass_on(signal.SIGTERM, self._workers() or list(self._running))

    def _workers(self) -> list[int]:
        return [pid for pid, child in list(self._running.items()) if child.number is not None]

    def _pass_on(self, name: signal.Signals, to: Sequence[int]) -> None:
        for pid in to:
            try:
                os.kill(pid, name)
            except ProcessLookupError:
                continue

    @staticmethod
    def _forget(pid: int) -> None:
        """A dead worker's gauges no longer count."""
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _said(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
