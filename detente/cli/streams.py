"""The standard streams of a command: of any encoding, closed, or read by somebody who leaves.

Owns: making them safe before a command runs, and emptying them after it, so that its exit code is its answer and
nothing else. Not here: what is written to them.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import Any

ESCAPED = "detente-escaped"
"""An error handler: what an encoding cannot write is written as JSON writes it, ``\\u2192``, and so stays JSON."""


def prepare() -> None:
    """Make standard output and error writable by anything that a command may print.

    A stream that is closed becomes one that leads nowhere: else the next file that is opened would take its number,
    and be written into. Messages are dropped once nobody reads standard error: they are not the answer.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    codecs.register_error(ESCAPED, _escape)
    sys.stdout = _escaping(sys.stdout, 1)
    sys.stderr = _Heedless(_escaping(sys.stderr, 2))


def finish() -> int:
    """Write what is still held back. Returns 0, or 141 where the reader of standard output went away.

    Raises OSError where it cannot be written: on a full disk, say.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        abandon()
        return 141
    except OSError:
        abandon()
        raise
    return 0


def abandon() -> None:
    """Drop what is held back for standard output: Python would try again at its end, and change the exit code."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{found[at : at + 4]}" for at in range(0, len(found), 4)), error.end


def _escaping(stream: Any, number: int) -> Any:
    """The stream, or one that leads nowhere in its place."""
    if stream is None:
        return open(number, "w", encoding="utf-8", errors=ESCAPED, closefd=False)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=ESCAPED)
    return stream


class _Heedless:
    """Standard error, written to whether or not anybody reads it; its lines hold nothing that moves a cursor."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be written."""
        from detente.errors import printable  # not before there is something to say: it takes a while to import

        with contextlib.suppress(OSError):
            self._stream.write("\n".join(map(printable, text.split("\n"))))
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with contextlib.suppress(OSError):
            self._stream.flush()
