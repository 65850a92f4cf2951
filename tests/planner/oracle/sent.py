"""What an excess sends to later windows, one amount for each pair of windows: the oracle's own statement of it."""

from __future__ import annotations

from tests.planner.oracle.sheet import Sheet, Sum, added, less


class Sent:
    """Excesses by the window they are of, and what each sends to the ``lives`` windows after it; 0: not stated so."""

    def __init__(self, sheet: Sheet, carried: str | int) -> None:
        self.sheet = sheet
        self.lives = {"chained": 0, "once": 1}[carried] if isinstance(carried, str) else carried
        self.excesses: list[tuple[int, list[int]]] = []

    def into(self) -> Sum:
        """What the next window gets of those before it."""
        found: Sum = {}
        for _, sends in self.excesses[-self.lives :] if self.lives else ():
            sends.append(self.sheet.column())
            found = added(found, {sends[-1]: 1.0})
        return found

    def new(self, excess: int) -> Sum:
        """A window's own excess goes on, too: what is left in all for the windows that come."""
        self.excesses.append((excess, []))
        left: Sum = {}
        for column, sends in self.excesses[-self.lives :]:
            left = added(left, less({column: 1.0}, dict.fromkeys(sends, 1.0)))
        return left

    def close(self) -> None:
        """No excess sends more than it is."""
        for column, sends in self.excesses:
            self.sheet.row(less(dict.fromkeys(sends, 1.0), {column: 1.0}), "<=", 0.0)
