"""A YAML file, and where each of its values stands.

Owns: reading bytes into nodes that remember line and column; duplicate keys, tags, depth and size.
Not here: what the values mean.

Every scalar stays the text that was written (``no`` is a country,
``1:30`` a label, ``2.30`` an exact decimal), and the field that reads it decides its type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from detente.errors import CaseError, Mistake, Where
from detente.values.file import opened
from detente.values.text import hidden_in

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64
NOT_TEXT = "name a folder with a `case.yaml`, or a YAML file"
PACKED = (b"PK\x03\x04", b"%PDF-")
"""What a spreadsheet, another packed file or a PDF begins with: the first of it may be text."""
MAX_VALUES = 500_000  # after aliases are followed: an anchor that doubles itself must not fill memory

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = {"", "~", "null", "Null", "NULL"}

DELETE = "delete it, or type the text anew"
NO_COLON = "write `key: value`; write decimals with a point, and put a text that has a comma in it in quotes"
NO_BRACKET = "write `key: value`; put a text that begins with a bracket in quotes, and fill in a template's `{{ … }}`"
_COMMENT = re.compile(r"[ \t]+(?P<comment>#[^\s#].*?)[ \t\r]*$", re.MULTILINE)
NO_KEY = "\0"
"""Begins the text that stands for a key that is none: no file can have it."""


@dataclass(slots=True)
class YamlNode:
    """A scalar (``text``), a mapping (``keys``) or a sequence (``items``), with its place.

    ``file`` is that of the document; a tree of several files says it of each node. ``comment`` is one that begins on
    the line where a scalar without quotes ends, if its `#` is followed at once by more than a blank.
    """

    line: int
    column: int
    text: str | None = None
    keys: dict[str, tuple[YamlNode, YamlNode]] | None = None
    items: list[YamlNode] | None = None
    complete: bool = True
    file: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Document:
    """One parsed file: its name as shown to people, and its root node."""

    name: str
    root: YamlNode = field(repr=False)

    @classmethod
    def read(cls, path: Path, name: str | None = None) -> Document:
        """Parse a file. Raises CaseError: the first mistake of syntax, every duplicate key."""
        name = name or str(path)
        try:
            with opened(path) as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise CaseError(
                [Mistake(Where(name), f"cannot be read: {error.strerror or error}", "name a file that you may read")]
            ) from None
        if len(raw) > MAX_BYTES:
            raise CaseError([Mistake(Where(name), f"is larger than {MAX_BYTES // 2**20} MiB", "split the file")])
        return cls.parse(raw, name)

    @classmethod
    def parse(cls, raw: bytes, name: str) -> Document:
        """Parse bytes. Raises CaseError."""
        if raw.startswith(PACKED):
            raise CaseError([Mistake(Where(name), "is not a text file", NOT_TEXT)])
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if b"\0" in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise CaseError([Mistake(Where(name), "is not a text file", NOT_TEXT)]) from None
            before = raw[: error.start]
            place = Where(name, before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
            found = f"byte 0x{raw[error.start]:02x} is not UTF-8 text"
            raise CaseError([Mistake(place, found, "save the file as UTF-8")]) from None
        return cls(name, _Composer(text, name).compose())

    def data(self) -> Any:
        """Plain values: dict, list, str and None."""
        return _Plain(self.name).of(self.root)

    def node(self, path: Sequence[str | int]) -> YamlNode | None:
        """The node at a path; None where there is none."""
        node: YamlNode | None = self.root
        for step in path:
            if node is not None and node.keys is not None and str(step) in node.keys:
                node = node.keys[str(step)][1]
            elif node is not None and node.items is not None and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            else:
                return None
        return node

    def where(self, path: Sequence[str | int] = (), *, key: bool = False) -> Where:
        """The place of the value at ``path`` (of its key, if asked), or of the nearest thing above it."""
        node, spot = self.root, self.root
        for step in path:
            if node.keys is not None and str(step) in node.keys:
                name, node = node.keys[str(step)]
                spot = name if key else node
            elif node.items is not None and isinstance(step, int) and 0 <= step < len(node.items):
                node = spot = node.items[step]
            else:
                break
        return Where(spot.file or self.name, spot.line, spot.column)


class _Composer:
    """Events to nodes, without recursion: the input's depth is bounded by us, not by the interpreter."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.mistakes: list[Mistake] = []
        self.anchors: dict[str, YamlNode] = {}
        self.count = 0
        self.ended = 0  # where the last node ended

    def compose(self) -> YamlNode:
        _must_show(self.text, self.name)
        _must_be_merged(self.text, self.name)
        roots: list[YamlNode] = []
        stack: list[tuple[YamlNode, YamlNode | None]] = []  # an open collection, and its key that waits for a value
        try:
            for event in yaml.parse(self.text, Loader=_LOADER):
                self._take(event, stack, roots)
        except yaml.reader.ReaderError:
            self._wrong(*_not_allowed(self.text, self.name))
        except yaml.MarkedYAMLError as error:
            unclosed = "end of stream" in str(error.problem)  # what matters is where it was opened
            mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
            what = " ".join(filter(None, [error.context, error.problem]))
            remedy = _blank_remedy(self.text, mark) or _remedy(what, _at(self.text, mark))
            self._wrong(_place(self.name, mark), f"is not YAML: {what}", remedy)
        except yaml.YAMLError as error:
            self._wrong(Where(self.name), f"is not YAML: {error}", "correct it")
        if self.mistakes:
            raise CaseError(self.mistakes)
        return roots[0] if roots else YamlNode(1, 1)

    def _wrong(self, where: Where, what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(where, what, remedy))

    def _stop(self, at: yaml.Event, what: str, remedy: str) -> NoReturn:
        raise CaseError([*self.mistakes, Mistake(_place(self.name, at.start_mark), what, remedy)])

    def _take(self, event: yaml.Event, stack: list[tuple[YamlNode, YamlNode | None]], roots: list[YamlNode]) -> None:
        if isinstance(event, yaml.DocumentStartEvent) and roots:
            self._stop(event, "a second document in one file", "one `---` a file")
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()[0].complete = True
            return
        if not isinstance(event, yaml.NodeEvent):
            return
        self.count += 1
        if self.count > MAX_VALUES:
            self._stop(event, f"holds more than {MAX_VALUES:,} values", "split the file")
        self._must_have_colon(event, stack)
        node = self._node(event)
        if isinstance(event, yaml.AliasEvent):
            known = self.anchors.get(event.anchor or "")
            if known is None or not known.complete:
                self._stop(event, f"alias `*{event.anchor}` has no value", f"mark one with `&{event.anchor}` before")
            node = known
        elif event.anchor:
            self.anchors[event.anchor] = node
        self._add(node, event, stack, roots)
        if isinstance(event, yaml.CollectionStartEvent):
            node.complete = False
            stack.append((node, None))
            if len(stack) > MAX_DEPTH:
                self._stop(event, f"is nested deeper than {MAX_DEPTH} levels", "write it flatter")

    def _must_have_colon(self, event: yaml.NodeEvent, stack: list[tuple[YamlNode, YamlNode | None]]) -> None:
        """Refuse a key without a colon, which YAML takes for one without a value: `{ a: 0,44 USD }` has two keys."""
        key = stack[-1][1] if stack else None
        start = event.start_mark.index if event.start_mark else 0
        end = event.end_mark.index if event.end_mark else 0
        if (
            start == end
            and key is not None
            and key.text
            and not key.text.startswith(NO_KEY)
            and ":" not in self.text[self.ended : start]
        ):
            where = Where(self.name, key.line, key.column)
            self._wrong(where, f"`{key.text}` is taken for a key, and has no value", NO_COLON)
        self.ended = end

    def _node(self, event: yaml.NodeEvent) -> YamlNode:
        tag, mark = getattr(event, "tag", None), event.start_mark
        if tag and tag not in ("!", "tag:yaml.org,2002:str"):
            self._wrong(_place(self.name, mark), f"the tag `{tag}` is not allowed", "write the plain value")
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        if isinstance(event, yaml.MappingStartEvent):
            return YamlNode(line, column, keys={}, file=self.name)
        if isinstance(event, yaml.SequenceStartEvent):
            return YamlNode(line, column, items=[], file=self.name)
        if isinstance(event, yaml.ScalarEvent):
            if hidden := hidden_in(event.value):  # written as an escape, in a text within double quotes
                what = f"has a character that shows nothing or forges what is shown: {hidden[1]}"
                self._wrong(_place(self.name, mark), what, DELETE)
            plain = not event.style and not tag and event.value in _NULLS
            text = None if plain else event.value
            return YamlNode(line, column, text=text, file=self.name, comment=self._comment_behind(event))
        return YamlNode(line, column, file=self.name)

    def _comment_behind(self, event: yaml.ScalarEvent) -> str:
        found = None if event.style or event.end_mark is None else _COMMENT.match(self.text, event.end_mark.index)
        return found["comment"] if found else ""

    def _add(
        self, node: YamlNode, event: yaml.Event, stack: list[tuple[YamlNode, YamlNode | None]], roots: list[YamlNode]
    ) -> None:
        """A node under what is open: an item, a key, or the value of the key before it."""
        if not stack:
            roots.append(node)
            return
        parent, key = stack[-1]
        if parent.items is not None:
            parent.items.append(node)
            return
        assert parent.keys is not None
        if key is None:
            if node.keys is not None or node.items is not None:
                where = _place(self.name, event.start_mark)
                self._wrong(where, "a key must be plain text, not a list or a mapping", NO_BRACKET)
                node = YamlNode(node.line, node.column, text=f"{NO_KEY}{node.line}:{node.column}")
            stack[-1] = (parent, node)
            return
        name = key.text if key.text is not None else ""
        if name in parent.keys:
            first = parent.keys[name][0]
            self._wrong(
                Where(self.name, key.line, key.column),
                f"`{name}` is given twice: here and on line {first.line}",
                "keep one of the two",
            )
        else:
            parent.keys[name] = (key, node)
        stack[-1] = (parent, None)


class _Plain:
    """Nodes to plain values, counting: aliases may expand."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def of(self, node: YamlNode) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            place = Where(self.name, node.line, node.column)
            raise CaseError([Mistake(place, f"expands to more than {MAX_VALUES:,} values", "use fewer aliases")])
        if node.keys is not None:
            return {name: self.of(value) for name, (_, value) in node.keys.items()}
        if node.items is not None:
            return [self.of(item) for item in node.items]
        return node.text


def _place(name: str, mark: Any) -> Where:
    """A parser's mark, counted from 1; the file as a whole where it gave none."""
    return Where(name, mark.line + 1, mark.column + 1) if mark else Where(name)


def _must_show(text: str, name: str) -> None:
    """Refuse a file that does not show what it says. Raises CaseError at the first such character."""
    text = text.replace("\r\n", " \n")
    hidden = hidden_in(text)
    if hidden is not None and not yaml.reader.Reader.NON_PRINTABLE.search(text):
        at, what = hidden
        place = Where(name, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        raise CaseError([Mistake(place, f"a character that shows nothing or forges what is shown: {what}", DELETE)])


_UNMERGED = re.compile(r"^(?:<{7}|>{7}) .*$", re.MULTILINE)


def _must_be_merged(text: str, name: str) -> None:
    """Refuse a file with the marks of git where two versions collide. Raises CaseError at the first."""
    if mark := _UNMERGED.search(text):
        what = f"`{mark[0][:60].rstrip()}` is a mark of git, where two versions of the file collide"
        remedy = "keep one of the two between the marks, and delete the marks (`<<<<<<<`, `=======`, `>>>>>>>`)"
        raise CaseError([Mistake(Where(name, text.count("\n", 0, mark.start()) + 1, 1), what, remedy)])


_REMEDIES = {
    "mapping values are not allowed": "put a text that has a colon in it in quotes, and write a space after the colon "
    "of a key; else check the indentation",
    "found unexpected end of stream": "close the quote or bracket that is opened here",
    "while scanning an anchor": "put a text that begins with `&` in quotes",
    "while scanning an alias": "put a text that begins with `*` in quotes",
    "while scanning a block scalar": "put a text that begins with `|` or `>` in quotes",
    "while parsing a flow": "write a comma between two entries, close the bracket, or put a text that has a bracket, a "
    "comma or a colon in it in quotes",
    "while parsing a block mapping": "begin each key of a mapping in the same column, each entry of a list with `- `, "
    "and put texts with signs in quotes",
    "while parsing a block collection": "begin each `- ` of a list in the same column",
    "could not find expected ':'": "write `key: value`, with the colon and a space after it",
}


def _at(text: str, mark: Any) -> str:
    """The character at a parser's mark; empty where it gave none, or the text ends there."""
    lines = text.splitlines() if mark else []
    return lines[mark.line][mark.column : mark.column + 1] if mark and mark.line < len(lines) else ""


def _remedy(problem: str, at: str) -> str:
    """What to do about what the parser says, at a character."""
    if at == "\t":
        return "indent with spaces, and not with a tab"
    if "cannot start any token" in problem:
        return f"put a text that begins with `{at}` in quotes"
    found = (remedy for part, remedy in _REMEDIES.items() if part in problem)
    return next(found, "check the indentation, quotes and colons around here")


def _blank_remedy(text: str, mark: Any) -> str:
    """What to do about a blank that is no space, as word processors write it, in the line of a mark or before it."""
    lines = text.splitlines()[max(0, mark.line - 1) : mark.line + 1] if mark else []
    odd = re.search("[\u00a0\u2000-\u200a\u202f\u205f\u3000]", "\n".join(lines))
    return f"replace the blank U+{ord(odd[0]):04X} around here by a plain space" if odd else ""


def _not_allowed(text: str, name: str) -> tuple[Where, str, str]:
    """The first character that YAML does not allow (the C parser counts bytes, the other one characters)."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return Where(name), "is not YAML: a character is not allowed in it", "retype what looks unusual"
    at, before = found.start(), text[: found.start()]
    place = Where(name, before.count("\n") + 1, at - before.rfind("\n"))
    return place, f"character U+{ord(text[at]):04X} is not allowed in YAML", "delete it"
