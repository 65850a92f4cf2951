"""Server-sent events, as bytes: where one ends, and what data it carries.

Owns: the framing of event streams (WHATWG HTML, section 9.2), in any split of the bytes, with any line ends, bounded.
Not here: what the data means.
"""

from __future__ import annotations

MAX_BYTES = 16 * 1024 * 1024
"""The longest event that is held: an image in base64 fits."""

DONE = b"[DONE]"
"""The data of the event by which OpenAI ends a stream."""
BLANK = b"\n\n"
"""What ends an event, whatever its own last line lacks."""
_LONGEST_MARK = 30
_MARK = b"\xef\xbb\xbf"
"""What may stand before the first event: a byte order mark, which is no part of it."""


class OverlongError(ValueError):
    """An event is longer than is held."""


class Events:
    """Cuts a stream into whole events. Line ends become LF; what is not yet a whole event is held back."""

    __slots__ = ("_began", "_held", "_most", "_pieces", "_size")

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._held = b""
        self._began = False
        self._most = most
        self._pieces: list[bytes] = []  # of an open line: joined once, however many they are
        self._size = 0

    def block(self, data: bytes) -> bytes:
        """All whole events so far, one after the other, each with the blank line that ends it.

        Raises OverlongError where the event that is still open has grown past its bound.
        """
        if data.endswith(b"\n\n") and self._began and not (self._held or self._pieces or data.count(b"\r")):
            return data  # nothing but whole events, as mostly; of bytes, `count` is faster than `in`
        if b"\n" not in data and b"\r" not in data:
            self._pieces.append(data)
            self._size += len(data)
            if len(self._held) + self._size > self._most:
                raise OverlongError(f"an event of over {self._most:,} bytes")
            return b""
        if self._pieces:
            data = b"".join([*self._pieces, data])
            self._pieces, self._size = [], 0
        held = self._held + data if self._held else data
        if not self._began:
            self._began, held = True, held.removeprefix(_MARK)
        if b"\r" in held:
            held = _with_lf(held)
        end = held.rfind(b"\n\n")
        if end < 0:
            self._held = held
            block = b""
        else:
            self._held = held[end + 2 :]
            block = held[: end + 2]
        if len(self._held) > self._most:
            raise OverlongError(f"an event of over {self._most:,} bytes")
        return block

    def feed(self, data: bytes) -> list[bytes]:
        """The whole events so far, one by one."""
        return split(self.block(data))

    @property
    def rest(self) -> bytes:
        """The part of an event that is held."""
        return b"".join([self._held, *self._pieces]).strip()

    @property
    def open(self) -> bool:
        """Whether part of an event is held."""
        return bool(self._pieces) or bool(self._held and self._held.strip())

    @property
    def lacks_end(self) -> bool:
        """Whether an event with data is held: at the end of a stream it may lack nothing but its blank line."""
        return bool(data_of(self.rest))


def _with_lf(text: bytes) -> bytes:
    """CRLF and CR as LF; a CR at the end waits, since an LF may follow."""
    last = text[-1:] == b"\r"
    text = text[:-1] if last else text
    text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text + b"\r" if last else text


def is_done(data: bytes) -> bool:
    """Whether an event's data are OpenAI's mark of the end, with blanks about it or in small letters, too."""
    return len(data) < _LONGEST_MARK and data.strip().upper() == DONE


def is_blank(event: bytes, data: bytes) -> bool:
    """Whether an event has data, and nothing in them: clients take it for JSON, and raise. A comment has none."""
    return not data.strip() and any(line.partition(b":")[0] == b"data" for line in event.split(b"\n"))


def split(block: bytes) -> list[bytes]:
    """Whole events one by one, each with its blank line; blank lines beyond it belong to no event."""
    return [event.lstrip(b"\n") + b"\n\n" for event in block.split(b"\n\n") if event.strip(b"\n")]


def data_of(event: bytes) -> bytes:
    """The data of an event: its ``data`` lines, joined. Comments and other fields are left out."""
    if event.startswith(b"data: ") and event.find(b"\n") == len(event) - 2:
        return event[6:-2]  # one line, as nearly always
    lines = []
    for line in event.split(b"\n"):
        name, colon, value = line.partition(b":")
        if name == b"data":
            lines.append(value[1:] if colon and value.startswith(b" ") else value)
    return b"\n".join(lines)


def name_of(event: bytes) -> bytes:
    """The name of an event: its last ``event`` line; empty where it has none."""
    name = b""
    if not event.startswith(b"data: ") or event.find(b"\n") != len(event) - 2:
        for line in event.split(b"\n"):
            field, _, value = line.partition(b":")
            if field == b"event":
                name = value.removeprefix(b" ")
    return name


def event(data: bytes, name: str = "") -> bytes:
    """An event that carries JSON."""
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + one_line(data) + b"\n\n"


def with_data(event: bytes, data: bytes) -> bytes:
    """An event with other JSON; what is no data of it (its name, its id) stays."""
    others = [line + b"\n" for line in event.split(b"\n") if line and not line.startswith(b"data:")]
    return b"".join([*others, b"data: ", one_line(data), b"\n\n"])


def one_line(data: bytes) -> bytes:
    """JSON on one line, as an event holds it: no text of it has line ends, and elsewhere a blank says as much."""
    return data.replace(b"\n", b" ").replace(b"\r", b" ")
