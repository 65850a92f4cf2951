"""Aside: what takes long for one call is done beside the event loop, so that it takes no other call's time.

To read a body of 30 MB, and to say it in another shape, takes a third of a second. A thread of its own does not make
that shorter, but the loop takes turns with it (``worker`` makes them short), and answers everybody else meanwhile.
There is one such thread: two would take more of the loop's time, and be no faster.

Owns: from which size on, and the thread. Not here: what is done (``app``, ``provider_call``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

LARGE = 128 * 1024
"""Bytes of a body that the loop reads itself: a few milliseconds of small messages, and most bodies are far smaller."""
TURN = 0.001
"""Seconds after which a thread that computes lets the loop go on; the interpreter's own are five times as many."""
_THREAD = ThreadPoolExecutor(1, "detente-large")

P = ParamSpec("P")
T = TypeVar("T")


def aside(work: Callable[P, T], *args: P.args, **named: P.kwargs) -> Awaitable[T]:
    """What work comes to that is done there, in its turn. Whoever stops waiting does not stop it."""
    return asyncio.get_running_loop().run_in_executor(_THREAD, partial(work, *args, **named))
