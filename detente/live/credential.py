"""A credential: where a secret is, never the secret itself (§14).

Owns: how a case refers to one. Not here: reading or renewing it (``providers/authority``).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from detente.errors import FlawError
from detente.values.noun import Flag, Noun

_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"


def _named(given: Any) -> Any:
    """Refuses what is no name without showing it: it may be the secret itself."""
    if isinstance(given, str) and not re.fullmatch(_NAME, given):
        raise FlawError("is not the name of an environment variable", "write for example `AZURE_KEY`")
    return given


Variable = Annotated[str, StringConstraints(pattern=_NAME), BeforeValidator(_named)]


class Credential(Noun):
    """One reference to a secret: ``{env: AZURE_OPENAI_KEY}``, ``{file: /run/secrets/key}``, ``{aws: default}``."""

    env: Variable | None = Field(default=None, description="the environment variable that holds a key")
    file: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = Field(
        default=None, description="the file that holds a key; read again when it changes"
    )
    aws: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None, description="a profile of AWS's own chain (`default`: environment, files, instance role)"
    )
    entra: Flag = Field(default=False, description="Microsoft Entra ID, by azure-identity's default chain")

    @model_validator(mode="before")
    @classmethod
    def _reference(cls, given: Any) -> Any:
        if isinstance(given, str):
            raise FlawError("looks like a secret, not like a reference to one", "write `{ env: NAME }`")
        return given

    @model_validator(mode="after")
    def _one(self) -> Credential:
        self.one_of("env", "file", "aws", "entra", remedy="write `{ env: NAME }`")
        return self

    def __str__(self) -> str:
        if self.env or self.file:
            return f"environment variable {self.env}" if self.env else f"file {self.file}"
        return f"AWS profile {self.aws}" if self.aws else "Microsoft Entra ID"
