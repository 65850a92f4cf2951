"""A notifier: tells somebody over HTTP, beside calls and never in their way.

Owns: a thread that posts documents, one after the other, with a few tries for each. Not here: what is told
(``cap_news``). The address may be a secret: only its host is ever said (§14).
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request as WebRequest
from urllib.request import urlopen

from detente.gateway.serving.settings import Say
from detente.live.notice import Notify
from detente.values.file import read

WAITS = (0.0, 1.0, 5.0, 25.0)
"""Seconds before each try."""
PATIENCE = 5.0
"""Seconds for one try."""
MAX_WAITING = 100
"""Documents that wait to be sent; more are not sent, which is said."""
MAX_ADDRESS = 10_000
Post = Callable[[str, bytes], None]


def posted(address: str, body: bytes) -> None:
    """Post a document. Raises OSError where it is not taken, and ValueError where the address is none."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise ValueError("the address is none of the web")
    headers = {"content-type": "application/json", "user-agent": "detente"}
    with urlopen(WebRequest(address, body, headers), timeout=PATIENCE) as reply:  # its scheme was looked at
        reply.read(1024)


class Notifier:
    """Sends documents.

    Parameters
    ----------
    say
        To the operator, where one cannot be sent.
    post
        How one is sent.
    waits
        Seconds before each try.
    """

    def __init__(self, say: Say, post: Post = posted, waits: tuple[float, ...] = WAITS) -> None:
        self._say, self._post, self._waits = say, post, waits
        self._queue: deque[tuple[Notify, dict[str, Any]]] = deque()
        self._more, self._ends = threading.Condition(), threading.Event()
        self._thread: threading.Thread | None = None

    def send(self, notice: Notify, document: dict[str, Any]) -> None:
        """Send it soon. Returns at once."""
        with self._more:
            if len(self._queue) >= MAX_WAITING:
                self._say(f"a notice of {document['id']} was not sent: {MAX_WAITING} others wait to be")
                return
            self._queue.append((notice, document))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="detente-notices", daemon=True)
                self._thread.start()
            self._more.notify()

    def close(self) -> None:
        """Send no more; what was not sent by now is not."""
        self._ends.set()
        with self._more:
            self._more.notify()

    def _run(self) -> None:
        while not self._ends.is_set():
            with self._more:
                while not self._queue and not self._ends.is_set():
                    self._more.wait()
                if self._ends.is_set():
                    return
                notice, document = self._queue.popleft()
            self._deliver(notice, document)

    def _deliver(self, notice: Notify, document: Mapping[str, Any]) -> None:
        body, why, where = json.dumps(document).encode(), "", "its address"
        for wait in self._waits:
            if self._ends.wait(wait):
                return
            try:
                address = address_of(notice)
                where = urlsplit(address).hostname or where
                self._post(address, body)
                return
            except (OSError, ValueError) as error:
                why = type(error).__name__ if address_in(error, notice) else str(error)
        self._say(f"a notice of {document['id']} could not be sent to {where} in {len(self._waits)} tries: {why}")


def address_of(notice: Notify) -> str:
    """The address. Raises ValueError where the reference leads nowhere, and OSError where a file cannot be read."""
    if notice.url is not None:
        return notice.url
    if notice.env is not None:
        found = os.environ.get(notice.env, "")
        where = f"environment variable {notice.env}"
    else:
        found, where = read(Path(notice.file or ""), MAX_ADDRESS).decode().strip(), f"file {notice.file}"
    if not found:
        raise ValueError(f"{where} is empty")
    return found


def address_in(error: Exception, notice: Notify) -> bool:
    """Whether an error says an address, or a part of it that may be secret."""
    try:
        path = urlsplit(address_of(notice)).path
    except (OSError, ValueError):
        return False
    return len(path) > 1 and path in str(error)
