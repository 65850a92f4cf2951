"""AWS's chain of credentials, from the environment, files and a process; never from the network."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detente.errors import MissingExtraError
from detente.providers.authority import CredentialError, KeyAuthority
from detente.providers.bedrock.credential_chain import EARLY, PATIENCE, ChainAuthority
from detente.providers.outgoing import Outgoing
from tests.providers.bedrock.making import call, said, wire

OUT = Outgoing("/model/x/converse", (("content-type", "application/json"),), b"{}")
NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No credentials but those of the test: neither this machine's files nor its instance's role."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("BOTO_CONFIG", str(tmp_path / "none"))
    return tmp_path


def access(authority: ChainAuthority) -> str:
    headers = dict(authority.headers(OUT, "example.com", NOW))
    return headers["authorization"].partition("Credential=")[2].partition("/")[0]


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID-ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-env")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-env")
    authority = ChainAuthority("default", "eu-west-1")
    authority.renew()
    headers = dict(authority.headers(OUT, "example.com", NOW))
    assert headers["x-amz-date"] == "20270115T080000Z"
    assert headers["x-amz-security-token"] == "session-env"
    assert "AKID-ENV/20270115/eu-west-1/bedrock/aws4_request" in headers["authorization"]
    assert not authority.due(NOW)
    assert "secret" not in repr(authority)


def test_a_profile_of_a_file_that_changes(home: Path) -> None:
    file = home / "credentials"
    file.write_text("[batch]\naws_access_key_id = AKID-1\naws_secret_access_key = one\n")
    authority = ChainAuthority("batch", "eu-west-1")
    authority.renew()
    assert access(authority) == "AKID-1"
    file.write_text("[batch]\naws_access_key_id = AKID-2\naws_secret_access_key = two\n")
    assert access(authority) == "AKID-1", "nothing is read on the event loop"
    authority.renew()
    assert access(authority) == "AKID-2"


def by_process(home: Path, ends: datetime, name: str = "AKID-P") -> None:
    said = {
        "Version": 1,
        "AccessKeyId": name,
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": ends.isoformat(),
    }
    (home / "said.json").write_text(json.dumps(said))
    script = f"import sys; sys.stdout.write(open(r'{home / 'said.json'}').read())"
    (home / "say.py").write_text(script)
    (home / "config").write_text(f"[profile role]\ncredential_process = {sys.executable} {home / 'say.py'}\n")


def test_credentials_that_end_are_renewed_before(home: Path) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)  # noqa: TID251 (botocore's own clock)
    by_process(home, ends)
    authority = ChainAuthority("role", "eu-west-1")
    assert not authority.due(ends.timestamp()), "the first reading is the gateway's to ask for"
    authority.renew()
    early = ends.timestamp() - EARLY
    assert not authority.due(early - 1)
    assert authority.due(early)
    assert not authority.due(early + PATIENCE - 1), "a source that is down is not asked without pause"
    assert authority.due(early + PATIENCE)
    by_process(home, ends + timedelta(hours=1), "AKID-Q")
    authority.renew()
    assert access(authority) == "AKID-Q"
    assert not authority.due(early + 2 * PATIENCE)


def test_what_is_missing_is_said_and_what_was_had_is_kept(home: Path) -> None:
    authority = ChainAuthority("batch", "eu-west-1")
    with pytest.raises(CredentialError, match="AWS profile batch was not read"):
        authority.headers(OUT, "example.com", NOW)
    with pytest.raises(CredentialError, match="AWS profile batch gave no credentials"):
        authority.renew()
    (home / "credentials").write_text("[batch]\naws_access_key_id = AKID-1\naws_secret_access_key = one\n")
    authority.renew()
    (home / "credentials").write_text("")
    with pytest.raises(CredentialError):
        authority.renew()
    assert access(authority) == "AKID-1"


def test_a_chain_that_finds_nothing() -> None:
    with pytest.raises(CredentialError, match="AWS profile default has no credentials"):
        ChainAuthority("default", "eu-west-1").renew()


def test_a_process_that_fails_is_not_quoted(home: Path) -> None:
    (home / "say.py").write_text("import sys; sys.stderr.write('hunter2'); sys.exit(1)")
    (home / "config").write_text(f"[profile role]\ncredential_process = {sys.executable} {home / 'say.py'}\n")
    with pytest.raises(CredentialError) as caught:
        ChainAuthority("role", "eu-west-1").renew()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_credentials_that_come_expired(home: Path) -> None:
    by_process(home, datetime(2020, 1, 1, tzinfo=UTC))  # of which botocore makes a bare RuntimeError
    with pytest.raises(CredentialError, match=r"AWS profile role gave no credentials \(RuntimeError\)"):
        ChainAuthority("role", "eu-west-1").renew()


def test_botocore_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(MissingExtraError, match=r"detente\[bedrock\]"):
        ChainAuthority("default", "eu-west-1").renew()


def test_a_wire_takes_the_chain_or_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID-ENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-env")
    monkeypatch.setenv("KEY", "bedrock-api-key-abc")
    keyed = wire().authority()
    assert isinstance(keyed, KeyAuthority)
    keyed.renew()
    assert keyed.headers(OUT, "example.com", NOW) == (("authorization", "Bearer bedrock-api-key-abc"),)
    proxied = wire(credential={"aws": "default"}, endpoint="http://127.0.0.1:1/aws")
    chained = proxied.authority()
    assert isinstance(chained, ChainAuthority)
    chained.renew()
    out = proxied.encode(call(said()))
    whole = Outgoing("/aws" + out.target, out.headers, out.body)
    plain = ChainAuthority("default", "eu-central-1")
    plain.renew()
    assert chained.headers(out, "h", NOW) == plain.headers(whole, "h", NOW), "a signature covers the address's own path"
