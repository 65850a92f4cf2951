"""Ctrl-C while there is something to lose: noted, and what is at hand is finished.

Owns: the handler of SIGINT for that time. Not here: what stops on it (``model``), what is then kept (``solve``).
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interrupt:
    """Whether Ctrl-C was pressed: noted and answered the first time, a KeyboardInterrupt the second time."""

    answer: Callable[[], None] = lambda: None
    noted: bool = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        if self.noted:
            signal.default_int_handler(number, frame)
        self.noted = True
        with contextlib.suppress(OSError, RuntimeError):  # in the middle of another line, or nobody reads
            self.answer()


@contextlib.contextmanager
def interrupts_noted(answer: Callable[[], None] = lambda: None) -> Iterator[Interrupt]:
    """Note Ctrl-C meanwhile. Not in a thread, nor where the program that we are part of handles it its own way.

    Inside of another such time it is noted for both: what is made of several parts, each of which notes it, learns of
    one that came when a part was as good as done.
    """
    handler = signal.getsignal(signal.SIGINT)
    outer: object = getattr(handler, "__self__", None)
    within = isinstance(outer, Interrupt)
    interrupt = Interrupt(answer, isinstance(outer, Interrupt) and outer.noted)
    ours = threading.current_thread() is threading.main_thread()
    if not ours or not (within or handler is signal.default_int_handler):
        yield interrupt
        return
    signal.signal(signal.SIGINT, interrupt.note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, handler)
        if isinstance(outer, Interrupt):
            outer.noted = outer.noted or interrupt.noted
