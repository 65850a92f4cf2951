"""Ids that say where a response is stored: what is sealed opens anywhere, and nothing else opens."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detente.gateway.surfaces import responses_pin as pin
from tests.gateway.surfaces.corpora import FUZZ, LAW

DEPLOYMENTS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,30}", fullmatch=True)
RESPONSES = st.text(min_size=1, max_size=60)


@LAW
@given(RESPONSES, DEPLOYMENTS)
def test_what_is_sealed_opens(response: str, deployment: str) -> None:
    sealed = pin.seal(response, deployment)
    assert pin.open(sealed) == (deployment, response)
    assert sealed.startswith("resp_")
    assert sealed.replace("_", "").replace("-", "").isalnum()  # fits into a path
    assert len(sealed) <= pin.MAX_ID


@LAW
@given(RESPONSES, DEPLOYMENTS, st.data())
def test_what_was_changed_does_not_open(response: str, deployment: str, data: st.DataObject) -> None:
    sealed = pin.seal(response, deployment)
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + data.draw(st.text(max_size=2)) + sealed[at + data.draw(st.integers(0, 2)) :]
    assume(changed != sealed)
    with pytest.raises(pin.UnknownIdError):
        pin.open(changed)


@FUZZ
@given(st.text(max_size=80) | st.text(max_size=40).map(pin.PREFIX.__add__))
def test_what_was_made_elsewhere_does_not_open(text: str) -> None:
    with pytest.raises(pin.UnknownIdError):
        pin.open(text)


@pytest.mark.parametrize(
    ("response", "deployment"), [("", "a"), ("resp_1", ""), ("resp_1", "A b"), ("resp_1", "a\nb"), ("x" * 2000, "a")]
)
def test_what_could_not_be_opened_is_not_sealed(response: str, deployment: str) -> None:
    with pytest.raises(pin.UnknownIdError):
        pin.seal(response, deployment)


def test_another_worker_opens_it_and_one_that_starts_later() -> None:
    code = "from detente.gateway.surfaces import responses_pin as pin; print(pin.seal('resp_1', 'azure-eu'))"
    sealed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert pin.open(sealed) == ("azure-eu", "resp_1")
