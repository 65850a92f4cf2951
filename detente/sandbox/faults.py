"""Faults in force: which one meets a call, and what is down.

Owns: the schedule of a case and the faults that are added while it runs. Pure: the time is an argument, and chance
follows the seed. Not here: what a fault does on the wire (``play``, and each face).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from detente.live.fault import Fault
from detente.values.quantity import in_percent

MAX_FAULTS = 200
STREAMED = ("exception",)
"""Faults that only a stream can have."""


@dataclass
class ScheduledFault:
    """A fault with what has become of it; times are in seconds from the sandbox's start."""

    fault: Fault
    since: float
    met: int = 0
    asked: int = 0

    @property
    def start(self) -> float:
        """When it begins: ``from`` counts from when it was declared."""
        return self.since + self.fault.from_

    @property
    def end(self) -> float | None:
        """When it is over; None where it lasts until it is taken back."""
        return None if self.fault.lasts is None else self.start + self.fault.lasts

    def state(self, at: float) -> str:
        """``coming``, ``in force`` or ``over``."""
        if at < self.start:
            return "coming"
        used = self.fault.calls is not None and self.met >= self.fault.calls
        return "over" if used or (self.end is not None and at >= self.end) else "in force"

    @property
    def silences(self) -> bool:
        """Whether nothing listens while it is in force: ``down`` of all calls to a place."""
        return self.fault.kind == "down" and not (self.fault.calls or self.fault.chance or self.fault.skips)


class Faults:
    """All faults of a sandbox."""

    def __init__(self, schedule: tuple[Fault, ...], seed: int) -> None:
        self._seed = seed
        self._held = {fault.id: ScheduledFault(fault, 0.0) for fault in schedule}

    def add(self, fault: Fault, at: float) -> bool:
        """Add one; False where its id is taken, or there are too many."""
        if fault.id in self._held or len(self._held) >= MAX_FAULTS:
            return False
        self._held[fault.id] = ScheduledFault(fault, at)
        return True

    def drop(self, fault_id: str) -> bool:
        """Take one back; whether there was one."""
        return self._held.pop(fault_id, None) is not None

    def clear(self) -> int:
        """Take all back; how many there were."""
        found = len(self._held)
        self._held.clear()
        return found

    def free_id(self) -> str:
        """An id that no fault has."""
        return next(f"fault-{n}" for n in range(1, MAX_FAULTS + 2) if f"fault-{n}" not in self._held)

    def down(self, provider: str, region: str, at: float) -> bool:
        """Whether nothing listens at a place."""
        on = (provider, f"{provider}/{region}")
        return any(s.silences and s.fault.on in on and s.state(at) == "in force" for s in self._held.values())

    def next_change(self, at: float) -> float | None:
        """When next a place may go down or come back by itself."""
        edges = [edge for s in self._held.values() if s.silences for edge in (s.start, s.end) if edge is not None]
        return min((edge for edge in edges if edge > at), default=None)

    def meets(self, deployment: str, provider: str, region: str, at: float, *, stream: bool) -> Fault | None:
        """The fault that a call meets, the first declared first; it is counted."""
        on = (deployment, provider, f"{provider}/{region}")
        for scheduled in self._held.values():
            fault = scheduled.fault
            if fault.on not in on or scheduled.state(at) != "in force" or (fault.kind in STREAMED and not stream):
                continue
            scheduled.asked += 1
            if scheduled.asked <= (fault.skips or 0):
                continue
            if fault.chance is None or self._drawn(fault.id, scheduled.asked) < fault.chance:
                scheduled.met += 1
                return fault
        return None

    def _drawn(self, fault_id: str, asked: int) -> float:
        """A number from 0 to 1, the same for the same seed, fault and call."""
        text = f"{self._seed}/{fault_id}/{asked}".encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:6], "big") / 2**48

    def shown(self, at: float) -> list[dict[str, Any]]:
        """Every fault and what became of it, for people."""
        return [
            {**_written(s.fault), "state": s.state(at), "met": s.met, "asked": s.asked} for s in self._held.values()
        ]


def _written(fault: Fault) -> dict[str, Any]:
    """A fault by the keys of a case, durations in seconds."""
    found: dict[str, Any] = {"id": fault.id, "on": fault.on, "kind": fault.kind}
    found |= {"from": f"{fault.from_:g} s"} if fault.from_ else {}
    found |= {"lasts": f"{fault.lasts:g} s"} if fault.lasts is not None else {}
    found |= {"calls": fault.calls} if fault.calls is not None else {}
    found |= {"skips": fault.skips} if fault.skips is not None else {}
    found |= {"chance": in_percent(fault.chance)} if fault.chance is not None else {}
    found |= {"after": fault.after} if fault.after is not None else {}
    found |= {"retry-after": f"{fault.retry_after:g} s"} if fault.retry_after is not None else {}
    silent = fault.kind in ("slow-first-byte", "stall")
    return found | ({"silence": f"{fault.silence:g} s"} if silent else {})
