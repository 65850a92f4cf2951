"""The vocabulary of callers' tokens: a file of the case's folder, read with it, and said to be wrong with it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from detente.errors import CaseError
from detente.gateway.deciding.source import PolicySource
from detente.providers.wire import Call
from tests.cli.asking import written
from tests.gateway.stage import case_data

TITAN = {
    "kind": "bedrock",
    "endpoint": "http://a.example",
    "name": "amazon.titan-embed-text-v2:0",
    "serves": ["embeddings"],
}


def source(folder: Path, tokens: str = "words.tiktoken") -> PolicySource:
    data = case_data({"south": "http://a.example"}, serving={"tokens": tokens})
    data["deployments"][0] |= TITAN
    written(folder, data)
    return PolicySource(folder)


def test_what_is_asked_of_a_model_that_takes_text_is_text(tmp_path: Path) -> None:
    made = source(tmp_path)
    (tmp_path / "words.tiktoken").write_bytes(b"aGVs 1\nbG8= 2\n")
    wire = made.read().deployed[0].wire
    call = Call("embeddings", {"model": msgspec.Raw(b'"m"'), "input": msgspec.Raw(b"[[1,2],[2]]")})
    sent = [msgspec.json.decode(wire.encode(part).body)["inputText"] for part in wire.parts(call)]
    assert sent == ["hello", "lo"]


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read"), (b"nonsense", "line 1 is not"), (b"", "holds no token")]
)
def test_a_file_that_is_none_is_told_before_anything_is_served(tmp_path: Path, content: bytes | None, why: str) -> None:
    made = source(tmp_path)
    if content is not None:
        (tmp_path / "words.tiktoken").write_bytes(content)
    with pytest.raises(CaseError, match=why):
        made.read()


def test_a_file_outside_of_the_cases_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "words.tiktoken").write_bytes(b"aGVs 1\n")
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "link.tiktoken").symlink_to(tmp_path / "words.tiktoken")
    with pytest.raises(CaseError):
        source(tmp_path / "case", "../words.tiktoken").read()
    with pytest.raises(CaseError, match="leads out of the case's folder"):
        source(tmp_path / "case", "link.tiktoken").read()
