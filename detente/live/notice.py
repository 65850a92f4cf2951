"""A notice: where somebody wants to be told, over HTTP.

Owns: how a case refers to an address. Addresses of chat systems hold a secret, so it may be a reference (§14). Not
here: sending (the gateway's ``serving``), and what is told.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from detente.errors import FlawError
from detente.live.credential import Variable
from detente.values.noun import Noun

_URL = r"^https?://[^\s@/?#]+(:[0-9]+)?([/?][^\s]*)?$"


def _address(given: Any) -> Any:
    """Refuses what is no address without showing it: it may hold a secret."""
    if isinstance(given, str) and not re.fullmatch(_URL, given):
        raise FlawError("is not the address of a web page", "write for example `https://hooks.example.com/budgets`")
    return given


class Notify(Noun):
    """An address, or a reference to one: ``{ url: https://… }``, ``{ env: HOOK }``, ``{ file: /run/secrets/hook }``."""

    url: Annotated[str, StringConstraints(max_length=2000), BeforeValidator(_address)] | None = Field(
        default=None, description="the address, in the clear"
    )
    env: Variable | None = Field(default=None, description="the environment variable that holds the address")
    file: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = Field(
        default=None, description="the file that holds the address"
    )

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, given: Any) -> Any:
        if isinstance(given, str):
            raise FlawError("is no mapping", "write `{ url: https://… }`, or `{ env: NAME }` for a secret one")
        return given

    @model_validator(mode="after")
    def _one(self) -> Notify:
        self.one_of("url", "env", "file", remedy="write `{ env: NAME }`")
        return self

    def __repr__(self) -> str:
        return "Notify(…)" if self.url else f"Notify({self.env or self.file})"
