"""About how many tokens a prompt takes: for headroom only, never for a bill.

Owns: the estimate. Not here: what a call really used (its provider meters it).
"""

from __future__ import annotations

import re

CHARACTERS_PER_TOKEN = 4
"""About, in English."""
IMAGE_TOKENS = 1000
"""About how many tokens an image takes (providers count 85 to 1,600)."""
_DATA = re.compile(rb'"data:[^",]{0,200};base64,[^"]*+"')


def prompt_tokens(prompt: bytes, *, data: bool = True) -> int:
    """Of a prompt as JSON text. What is sent along as base64 counts as an image each, whatever its size.

    ``data``: whether there can be any.
    """
    if not data:
        return len(prompt) // CHARACTERS_PER_TOKEN
    sent, images = 0, 0
    for found in _DATA.finditer(prompt):
        sent, images = sent + found.end() - found.start(), images + 1
    return (len(prompt) - sent) // CHARACTERS_PER_TOKEN + images * IMAGE_TOKENS
