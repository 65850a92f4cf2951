"""What a client package found, case by case, for the test that started it. Imports nothing of the project."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

ADDRESS, KEY = os.environ["ADDRESS"], os.environ["KEY"]
BASE = f"{ADDRESS}/v1"
MODELS = os.environ["MODELS"].split(",")
VECTORS = os.environ["VECTORS"].split(",")
ECHO = "sandbox:echo hi"
CALL = "sandbox:tool=weather"


class Claim(BaseModel):
    """A claim."""

    number: int
    settled: bool


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"fair in {city}"


_found: dict[str, Any] = {}


def note(name: str, act: Callable[..., Any], *told: Any) -> None:
    """What comes of a case; what it raised, where it did."""
    try:
        _found[name] = act(*told)
    except Exception as error:
        _found[name] = f"{type(error).__name__}: {str(error)[:500]}"


def tell() -> None:
    """Print all of it."""
    print(json.dumps(_found))
