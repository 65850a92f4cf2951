"""Where people read: a terminal, or a file in its place.

Owns: that no text moves the cursor, colours or hides anything there, whatever file or provider it came from. Not here:
what is shown, and the standard streams themselves (``cli/streams``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment

from detente.errors import printable


class Screen(Console):
    """A console on which every text is written out as it stands: see ``errors.printable``."""

    def render(self, *args: Any, **kwargs: Any) -> Iterable[Segment]:
        """Every segment of text passes here, and a line's end is a segment of its own or ends one."""
        for segment in super().render(*args, **kwargs):
            shown = "\n".join(map(printable, segment.text.split("\n")))
            yield segment if segment.control or shown == segment.text else Segment(shown, segment.style)

    def on_broken_pipe(self) -> None:
        """Leave it to ``cli``, which knows the exit code: rich would end the program with 1."""
        raise BrokenPipeError
