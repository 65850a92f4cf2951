"""Reading one member of a call, from the JSON text that the caller wrote.

Owns: that a member which is not what OpenAI's interface describes is refused by its name. Not here: what members mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from detente.providers.wire import Refusal

NULL = msgspec.Raw(b"null")
_PLACED = re.compile(r" - at `\$((?:\[\d+\]|\.\w+)+)`$")
"""How an error ends that says where in the member something is wrong."""
T = TypeVar("T")


class Member(Generic[T]):
    """A member of a call, of a type (which may be a union)."""

    __slots__ = ("_decoder", "name")

    def __init__(self, name: str, type_: Any) -> None:
        self.name = name
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(type_)

    def of(self, members: Mapping[str, msgspec.Raw]) -> T | None:
        """Its value; None where it is absent or null. Raises Refusal."""
        raw = members.get(self.name)
        return None if raw is None or raw == NULL else self.read(raw)

    def read(self, raw: msgspec.Raw | bytes) -> T:
        """The value of a text. Raises Refusal."""
        try:
            return self._decoder.decode(raw)
        except msgspec.DecodeError as error:
            what, place = _PLACED.sub("", str(error)), _PLACED.search(str(error))
            refusal = Refusal.of(self.name, f"is not as OpenAI's interface describes it: {what}")
            raise (refusal.at(place[1]) if place is not None else refusal) from None
        except UnicodeDecodeError:
            raise Refusal.of(self.name, "is not UTF-8") from None
        except RecursionError:
            raise Refusal.of(self.name, "is nested too deeply") from None
