"""What calls on the books used of budgets, counted anew, beside what their leases say of it.

Owns: that one comparison. Of a budget no meter counts what is drawn: it is what the leases say that is on the books, so
whoever lowers that lets calls through once more. What a replica was granted and holds is on no books: the replica says
it anew with each claim. Not here: counting as calls are ingested (``caps.budgets``), and all else (``audit``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from detente.ledger.caps.budgets import counted
from detente.ledger.caps.cap import BookedCall, holder_of
from detente.ledger.caps.leasing import ANEW, ENDED, KEPT, OPEN, CapWindow
from detente.ledger.journals.record import read_route
from detente.ledger.store.store import Session
from detente.ledger.use.line import UseClass, UseLine
from detente.ledger.use.stored_lines import LINE, stored_line
from detente.live.budget_name import WORD

_ANY = UseClass("use", None, {})
"""What is counted of a budget does not turn on the class of a line."""


class LeaseFault(NamedTuple):
    """Something of the leases that does not follow from the books: in which table, and what."""

    table: str
    what: str


def lease_faults(session: Session) -> Iterator[LeaseFault]:
    """What of holders and leases is not as the calls on the books have it, in the order of caps and windows."""
    alive = {str(name): bool(up) for name, up in session.all("SELECT holder, alive FROM holders")}
    found: dict[tuple[CapWindow, str], int] = {}
    windows: dict[str, set[int]] = {}
    for cap, window, holder, on_books in session.all(
        'SELECT cap, "window", holder, counted FROM leases ORDER BY cap, "window", holder'
    ):
        name = holder.removeprefix(OPEN)
        ended = holder == ENDED or (name != holder and alive.get(name) is False)
        if not ended and not alive.get(holder):
            yield LeaseFault("leases", f"of `{cap}`: `{holder}` has ended, or never was, and holds some")
        windows.setdefault(cap, set()).add(int(window))
        if cap.startswith(f"{WORD} "):
            whose = CapWindow(cap, int(window)), ENDED if ended else holder
            found[whose] = found.get(whose, 0) + int(on_books)
    wanted = {each: amount for each, amount in _used(session, alive).items() if not _forgotten(each[0], windows)}
    for key, holder in sorted({*found, *wanted}):
        there, due = found.get((key, holder), 0), wanted.get((key, holder), 0)
        if there != due:
            by = f"`{holder}`" if holder else "replicas that have ended"
            what = f"of `{key.cap}`, window {key.window}: says that {there} by {by} is on the books, which hold {due}"
            yield LeaseFault("leases", what)


def _forgotten(key: CapWindow, windows: dict[str, set[int]]) -> bool:
    """Whether the leases of a window are long over, and forgotten (``leasing``)."""
    there = windows.get(key.cap, set())
    return len(there) >= KEPT and key.window < min(there)


def _used(session: Session, alive: dict[str, bool]) -> Counter[tuple[CapWindow, str]]:
    """What the calls of all that hold leases, or did, used of budgets, as it was counted beside each batch.

    The calls of one that was closed and goes on are counted under either name, or none: they are left out.
    """
    among = {name for name in alive if f"{name}{ANEW}" not in alive}
    routes = {
        int(n): read_route(str(body).encode()).budgets for n, body in session.all("SELECT route, body FROM routes")
    }
    some = sorted(n for n, budgets in routes.items() if budgets)
    begun = {str(id) for (id,) in session.all("SELECT id FROM calls WHERE outcome = 'begun'")} if some else set()
    found: Counter[tuple[CapWindow, str]] = Counter()
    for (batch,) in (
        list(session.among("SELECT DISTINCT batch FROM calls WHERE route IN {these}", some)) if some else ()
    ):
        lines = _served(session, int(batch))
        rows = session.all("SELECT n, id, route, at, outcome FROM calls WHERE batch = ?", (batch,))
        calls = [
            BookedCall(id, tuple(lines.get(int(n), ())), int(at), routes[int(of)], how == "begun" or id not in begun)
            for n, id, of, at, how in rows
            if holder_of(id) in among
        ]
        for (key, holder), amount in counted(calls, among).items():
            found[key, holder if alive[holder] else ENDED] += amount
    return found


def _served(session: Session, batch: int) -> dict[int, list[UseLine]]:
    """What the calls of a batch used where they were served."""
    found: dict[int, list[UseLine]] = {}
    sql = f"SELECT call, {LINE} FROM lines WHERE batch = ? AND call IS NOT NULL AND part = 0"
    for call, *columns in session.all(sql, (batch,)):
        found.setdefault(int(call), []).append(stored_line(_ANY, columns))
    return found
