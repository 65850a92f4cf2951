"""The base of everything that is declared in a case file.

Owns: how a declared thing is read (kebab-case keys, no unknown keys, frozen) and how any number may be
written with its source. Not here: any particular noun.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetPydanticSchema, StringConstraints
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from detente.errors import FlawError
from detente.values.text import one_line, plain_name

ID = r"^[a-z0-9][a-z0-9._-]*$"
MAX_CHARACTERS = 120
"""Of an id."""
Id = Annotated[str, StringConstraints(pattern=ID, max_length=MAX_CHARACTERS), Field(description="lower-case name")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(plain_name)]
"""A name that things are told apart by."""
Title = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(one_line)]
"""A text of one line, for people."""


SOURCE = "where this comes from: a document, a page, `assumption`"
NAME = "x-name"  # of a definition, until ``schema`` moves it under ``$defs``


class Noun(BaseModel):
    """A declared thing: frozen, kebab-case, no unknown keys; any of them may say where it comes from."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        alias_generator=lambda name: name.rstrip("_").replace("_", "-"),
        arbitrary_types_allowed=True,
        defer_build=True,
    )

    source: str | None = Field(default=None, description=SOURCE)

    def one_of(self, *names: str, remedy: str = "write one of them") -> str:
        """Which one of some fields is stated. Raises FlawError where none of them is, or several."""
        stated = [name for name in names if getattr(self, name) is not None and getattr(self, name) is not False]
        if len(stated) != 1:
            found = " and ".join(f"`{name}`" for name in stated) or "none"
            *first, last = (f"`{name}`" for name in names)
            raise FlawError(f"found {found} of {', '.join(first)} and {last}", remedy)
        return stated[0]


def value_of(given: Any) -> Any:
    """The value of ``{value: …, source: …}``, or what was given where it is not written so."""
    if isinstance(given, dict) and "value" in given:
        extra = set(given) - {"value", "source"}
        if extra:
            key = sorted(map(str, extra))[0]
            raise FlawError(f"beside `value` only `source` may stand, not `{key}`", "take it out", (key,), key=True)
        return given["value"]
    return given


def written_as(pattern: str, example: str, meaning: str, *, number: bool = False, name: str = "") -> dict[str, Any]:
    """JSON Schema of a quantity that is written as text: itself, or ``{value, source}``.

    Parameters
    ----------
    pattern
        A regular expression of the text (for an editor to check; the reader's own check is stricter).
    example, meaning
        What an editor shows.
    number
        Whether a bare number is allowed too.
    name
        Its name among the schema's definitions; without one it is written out wherever it stands.
    """
    text: dict[str, Any] = {"type": "string", "pattern": pattern, "examples": [example]}
    plain: list[dict[str, Any]] = [text, {"type": "number"}] if number else [text]
    sourced = {
        "type": "object",
        "description": f"{meaning}, and where it comes from",
        "properties": {
            "value": {"anyOf": plain} if number else text,
            "source": {"type": "string", "description": SOURCE},
        },
        "required": ["value"],
        "additionalProperties": False,
    }
    found = {"anyOf": [*plain, sourced], "description": f"{meaning}, such as `{example}`"}
    return {**found, NAME: name} if name else found


def read_by(parse: Any, schema: dict[str, Any]) -> Any:
    """An annotation: read this field's text by ``parse``, after its source is taken off."""

    def core(_source: Any, _handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(
            lambda given: parse(value_of(given)),
            serialization=core_schema.to_string_ser_schema(),
            metadata={"written_as": schema},
        )

    return GetPydanticSchema(core)


def _flag(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if given not in ("true", "false"):
        found = f"`{given}`" if isinstance(given, str) else "this"
        raise FlawError(f"{found} is neither `true` nor `false`", "write one of them")
    return bool(given == "true")


Flag = Annotated[bool, read_by(_flag, {"type": "boolean"})]


class SchemaOfText(GenerateJsonSchema):
    """JSON Schema in which each quantity is described as it is written."""

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> dict[str, Any]:
        """The text form of a quantity (see ``read_by``)."""
        return dict(schema["metadata"]["written_as"])

    def encode_default(self, dft: Any) -> Any:
        """A default as it would be written: left to the description where its text would be another."""
        return dft if isinstance(dft, bool | str) else None
