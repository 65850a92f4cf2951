"""The report's picture, ``docs/report.png``: taking it, and what it says.

``python -m tests.report.picture`` plans the lead example, draws its report with Chromium and writes the picture. The
words of the part that it shows stand in the picture itself (a text chunk of PNG), so that a test can tell when the
program says something else by now. Not here: how a report is made (``detente.report``).
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from detente.case.case import Case
from detente.planner.check import check
from detente.planner.solve import plan
from detente.report.pages.plans_page import render
from detente.results.plan import Plan
from tests.report.read_page import Page

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "report.png"
EXAMPLE = ROOT / "examples" / "frontier-lab"
READINGS = "letter", "spirit"
SIZE = 1280, 1120
KEY = b"Description"
WINDOWS = re.compile(r" \([^()]*\b\d{4}[^()]*: [^()]*\)")


def words(page: str) -> str:
    """What the answer of a report says, without the windows of ways out: of equal ways a solver may choose any."""
    answer = page.partition('<section id="answer">')[2].partition('<div class="lead">')[0]
    return WINDOWS.sub("", Page(f"<section>{answer}").text)


def said_in(png: bytes) -> str:
    """What a picture says that it shows; nothing where it does not."""
    found = (content for kind, content in _chunks(png) if kind == b"iTXt" and content.startswith(KEY + b"\0"))
    return next(found, b"").removeprefix(KEY + b"\0\0\0\0\0").decode()


def saying(png: bytes, text: str) -> bytes:
    """The same picture, which says what it shows: an international text chunk, not compressed, in no language."""
    chunks = [(kind, content) for kind, content in _chunks(png) if kind != b"iTXt"]
    chunks.insert(1, (b"iTXt", KEY + b"\0\0\0\0\0" + text.encode()))
    return png[:8] + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def main() -> None:
    """Write the picture anew."""
    case = Case.load(EXAMPLE)
    plans = [found for name in READINGS if isinstance(found := plan(case.under(reading=name)), Plan)]
    page = render(plans, check(case))
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("Chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        file, picture = Path(folder) / "report.html", Path(folder) / "report.png"
        file.write_text(page, encoding="utf-8")
        size = ",".join(map(str, SIZE))
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}"]
        subprocess.run([browser, *options, f"--screenshot={picture}", file.as_uri()], check=True)
        PICTURE.write_bytes(saying(picture.read_bytes(), words(page)))


SCALES = ROOT / "docs" / "who-needs-whom.svg"
STYLE = """
svg { background: #fcfcfa } text { font: 15px/1.5 "Source Sans 3", "Segoe UI", system-ui, sans-serif; fill: #565d66 }
text.strong { fill: #1a1d21; font-weight: 600 } text.on { fill: #fff } text.small { font-size: 10.5px }
rect.theirs { fill: #0072b2 } rect.takes { fill: #d55e00 } .axis { stroke: #565d66; fill: none }
"""


def alone(drawn: str) -> str:
    """A drawing of a page as a file of its own, with the style that it has there."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" '
    return f"{drawn.replace('<svg ', head, 1).replace('>', f'><style>{STYLE}</style>', 1)}\n"


def texts(drawing: str) -> list[str]:
    """What a drawing says."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", drawing)


if __name__ == "__main__":
    main()
