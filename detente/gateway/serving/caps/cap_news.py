"""News of caps: that one is nearly used up, on standard error, as a metric, and by a notice to an address of the case.

Owns: what is told, once it is known. Not here: when (``leasing``, ``own_count``), and sending (``notifier``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from detente.gateway.serving.settings import Say
from detente.ledger.caps.cap import Cap, CapLimit
from detente.ledger.caps.leasing import WARNED
from detente.live.notice import Notify
from detente.values.period import endless

Send = Callable[[Notify, dict[str, Any]], None]
CountTold = Callable[[str, int], None]


class CapNews:
    """Tells of caps.

    Parameters
    ----------
    say
        To the operator.
    count
        As a metric: of which cap or budget, and how many percent.
    send
        To an address. ``usual``: where those are told that state no address of their own.
    """

    def __init__(self, say: Say, count: CountTold | None = None, send: Send | None = None) -> None:
        self._say, self._count, self._send = say, count, send
        self.usual: Notify | None = None

    def tell(self, cap: Cap, allows: CapLimit, percent: int, left: int) -> None:
        """So many percent of a cap are used, or held; ``left`` is what no call uses or holds, leased or not."""
        if cap.brief:
            return
        sentence = f"{cap.called}: {percent}% of its amount {cap.when(allows)} is used or held by calls"
        sentence += "" if percent in WARNED else ", and one found no room"
        sentence += f" ({cap.exact(left)} of {cap.exact(allows.limit)} left)"
        self._say(sentence)
        if self._count is not None:
            self._count(cap.id, percent)
        notice = cap.notice or self.usual
        if notice is not None and self._send is not None:
            self._send(notice, _document(cap, allows, percent, left, sentence))


def _document(cap: Cap, allows: CapLimit, percent: int, left: int, sentence: str) -> dict[str, Any]:
    """What is sent: ``text`` is what chat systems show."""
    return {
        "text": sentence,
        "event": "budget" if cap.budget else "cap",
        "id": cap.id,
        **cap.details,
        "percent": percent,
        "allows": cap.exact(allows.limit),
        "remaining": cap.exact(left),
        "from": allows.start.isoformat(),
        "until": None if endless(allows.end) else allows.end.isoformat(),
    }
