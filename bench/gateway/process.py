"""What a process and its children take: CPU seconds, memory, descriptors, from /proc.

Owns: /proc, and a priority for the whole of a session. Not here: starting processes (``contender``), and what the
figures are compared with (``figures``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        left += parents.get(one, [])
    return found


def cpu(pids: list[int]) -> float:
    """CPU seconds so far, of the user and of the system, all threads. It advances by ticks of 10 ms."""
    return sum((int(fields[11]) + int(fields[12])) / _TICK for pid in pids if (fields := _stat(pid)))


@dataclass(frozen=True)
class Memory:
    """In MB (10^6 bytes). ``pss`` counts pages that processes share once, and needs the right to see them."""

    rss: float
    pss: float | None


def memory(pids: list[int]) -> Memory:
    """What the processes hold in memory together."""
    sums = {"Rss": 0.0, "Pss": 0.0}
    seen = True
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:  # not ours to see, or gone
            seen = False
            sums["Rss"] += _resident(pid)
            continue
        for line in lines:
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0]) * 1024 / 1e6
    return Memory(sums["Rss"], sums["Pss"] if seen else None)


def descriptors(pids: list[int]) -> int:
    """Open descriptors of the processes together."""
    return sum(len(os.listdir(_PROC / str(pid) / "fd")) for pid in pids)


def busy() -> float:
    """CPU seconds that the whole machine has worked, or was kept from working by its host, since it started."""
    fields = (_PROC / "stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / _TICK


def prefer(pid: int, nice: int) -> None:
    """Give a session a priority among all others. Below 0 it needs root.

    Linux shares a core between sessions first (autogroups) and by `nice` only within one, so both are set; what a
    process starts in its own session inherits them.
    """
    os.setpriority(os.PRIO_PROCESS, pid, nice)
    group = _PROC / str(pid) / "autogroup"
    if group.exists() and os.getsid(pid) == pid:
        group.write_text(str(nice), encoding="ascii")


def _resident(pid: int) -> float:
    try:
        pages = int((_PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _stat(pid: int) -> list[str] | None:
    """The fields of ``stat`` from the third on: the second is a name in brackets, which may hold spaces."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
