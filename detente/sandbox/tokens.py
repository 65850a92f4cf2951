"""A token, as the sandbox counts: four characters.

Owns: the counting rule, by which every count the sandbox reports can be checked by hand. Not here: what is counted.
"""

from __future__ import annotations

from collections.abc import Iterator

CHARACTERS = 4
IMAGE = 85
"""Tokens of an image, whatever its size."""


def count(text: str) -> int:
    """The tokens of a text: its characters by four, rounded up."""
    return -(-len(text) // CHARACTERS)


def pieces(text: str) -> Iterator[str]:
    """The tokens of a text, in order: what a stream sends one by one."""
    return (text[at : at + CHARACTERS] for at in range(0, len(text), CHARACTERS))


def cut(text: str, most: int) -> str:
    """The first tokens of a text."""
    return text[: most * CHARACTERS]
