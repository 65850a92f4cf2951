"""What a worker is started with.

Owns: the values alone. It imports nothing that counts or serves, so that a supervisor can hold it before it forks.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from detente.gateway.deciding.source import PolicySource
from detente.gateway.serving.clock import Clock

Say = Callable[[str], None]
"""Takes a line for the operator: standard error."""


@dataclass(frozen=True)
class Settings:
    """What a worker is started with."""

    source: PolicySource
    journal: Path
    clock: Clock
    workers: int = 1
    certificate: Path | None = None
    private_key: Path | None = None
    metrics: socket.socket | None = None
    """Where `/metrics` is read, if not beside calls: it listens already."""
    ledger: str | None = None
    """The URL of the ledger by which caps are kept; None: they are not."""
    traces: bool = False
    """Whether calls are told to a collector of traces."""
    kept: Path | None = None
    """The file in which turns of conversations are kept; None: none are."""
