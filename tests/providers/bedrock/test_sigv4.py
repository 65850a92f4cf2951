"""Our signatures against botocore's, for the same request at the same time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.providers.bedrock.address import path_of
from detente.providers.bedrock.sigv4 import Keys, Signed, Signer

HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session")


def theirs(keys: Keys, request: Signed, at: float, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(int(at), UTC))
    sent: Any = AWSRequest(
        request.method, f"https://{request.host}{request.path}", headers=dict(request.headers), data=request.body
    )
    botocore.auth.SigV4Auth(Credentials(*keys), "bedrock", "eu-west-1").add_auth(sent)
    own = {name.lower() for name, _ in request.headers}
    return {name.lower(): value for name, value in sent.headers.items() if name.lower() not in own}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    name=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,60}\Z"),
    prefix=st.sampled_from(["", "/proxy", "/a%20b/c"]),
    body=st.binary(max_size=200),
    token=st.sampled_from([None, "short", "t" * 900]),
    value=st.from_regex(r"\A[!-~]( {0,3}[!-~]){0,20}\Z"),
    at=st.floats(0, 4e9, allow_nan=False),
)
def test_the_same_headers_as_botocore(
    name: str, prefix: str, body: bytes, token: str | None, value: str, at: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KEYS._replace(token=token)
    headers = (("content-type", "application/json"), ("x-amzn-bedrock-request-metadata", value))
    request = Signed("POST", HOST, prefix + path_of(name, "converse"), headers, body)
    ours = dict(Signer(keys, "eu-west-1").headers(request, at))
    assert ours == theirs(keys, request, at, monkeypatch)


def test_the_key_of_a_day_is_not_used_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(KEYS, "eu-west-1")
    request = Signed("POST", HOST, "/model/x/converse", (), b"{}")
    for at in (1_800_000_000.0, 1_800_000_100.5, 1_800_090_000.0, 1_800_000_000.0):
        assert dict(signer.headers(request, at)) == theirs(KEYS, request, at, monkeypatch)


def test_no_secret_in_a_representation() -> None:
    shown = f"{KEYS!r} {KEYS} {Signer(KEYS, 'eu-west-1')!r}"
    assert KEYS.secret not in shown
    assert "a-session" not in shown
