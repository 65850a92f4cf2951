"""The page of the surfaces against the program: what is translated, left out or refused has its place there."""

from __future__ import annotations

from pathlib import Path

import pytest

from detente.gateway.surfaces import SURFACES, messages_blocks, messages_error, messages_request, responses

PAGE = (Path(__file__).parents[3] / "docs" / "guide" / "surfaces.md").read_text(encoding="utf-8")
NAMES = {
    "paths": [path.decode() for path in SURFACES],
    "members of messages": [*messages_request.KNOWN, *messages_request.ELSEWHERE],
    "blocks of messages": [*messages_blocks.UNSAID, "text", "image", "tool_use", "tool_result", "thinking"],
    "types of errors": [messages_error.type_of_status(status) for status in range(400, 530)],
    "budgets": [f"{most:,} `{effort}`" for most, effort in messages_request.BUDGETS],
    "members of responses": [*responses.NOT_HERE, "previous_response_id", "store: false", "item_reference"],
}


@pytest.mark.parametrize("kind", NAMES)
def test_it_names(kind: str) -> None:
    said = PAGE.replace("POST ", "")
    assert [name for name in NAMES[kind] if f"`{name}" not in said and not (name[0].isdigit() and name in said)] == []
