"""The checksum of a saved plan: whether it is what was saved.

Owns: what goes into it, and the form of JSON that it is taken of. Not here: whether its rows fit together
(``integrity``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

CHECKSUM = "checksum"
"""The member of a saved plan that holds it."""


def checksum(document: Mapping[str, Any], known: Mapping[str, str] = MappingProxyType({})) -> str:
    """SHA-256 of all that a saved plan says, however its JSON is laid out.

    ``known``: members of which the canonical form is at hand, and counts.
    """
    rest = {key: known.get(key) or canonical(value) for key, value in document.items() if key != CHECKSUM}
    members = ",".join(f"{canonical(key)}:{text}" for key, text in sorted(rest.items()))
    return hashlib.sha256(f"{{{members}}}".encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON without blanks, members by name, of ASCII characters alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
