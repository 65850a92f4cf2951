"""Embeddings: a unit vector for every text, always the same.

Owns: the vectors. Shorter ones are the beginning of longer ones, scaled to length 1, as with models that allow to
choose. Not here: wires.
"""

from __future__ import annotations

import array
import base64
import hashlib
import math
import sys

MAX_DIMENSIONS = 8_192
"""Dimensions of one vector."""


def vector(model: str, text: str, dimensions: int) -> array.array[float]:
    """A unit vector of 32-bit floats: coordinates are uniform on [-1, 1) before scaling."""
    raw = array.array(
        "i", hashlib.shake_256(f"{model}\n{text}".encode("utf-8", "surrogatepass")).digest(4 * dimensions)
    )
    if sys.byteorder == "big":
        raw.byteswap()
    length = math.sqrt(math.fsum(float(x) * x for x in raw)) or 1.0
    return array.array("f", (x / length for x in raw))


def base64_of(found: array.array[float]) -> str:
    """The floats as little-endian bytes, in base64."""
    if sys.byteorder == "big":
        found = array.array("f", found)
        found.byteswap()
    return base64.b64encode(found.tobytes()).decode()
