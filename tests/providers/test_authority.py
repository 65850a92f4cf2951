"""Secrets: read from where the case says, renewed when they change, and never shown."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from detente.errors import CredentialError
from detente.live.credential import Credential
from detente.providers.authority import MAX_BYTES, KeyAuthority
from detente.providers.entra import EARLY, SCOPE, EntraAuthority
from detente.providers.outgoing import Outgoing

SENT = Outgoing("/x", (), b"{}")
SECRET = "s3cret-value"


def of(**given: Any) -> KeyAuthority:
    return KeyAuthority(Credential.model_validate(given))


def header(authority: Any) -> str:
    ((_, value),) = authority.headers(SENT, "x.example", 0.0)
    return str(value)


def test_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", f" {SECRET}\n")
    authority = of(env="THE_KEY")
    authority.renew()
    assert header(authority) == f"Bearer {SECRET}"
    assert not authority.due(1e12)  # an environment does not change
    assert SECRET not in repr(authority) + str(authority)


def test_before_it_is_read_there_is_none() -> None:
    with pytest.raises(CredentialError, match="environment variable THE_KEY was not read"):
        header(of(env="THE_KEY"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "THE_KEY is not set"),
        ("", "THE_KEY is not set"),
        ("  \n", "THE_KEY is not set"),
        (f"{SECRET}\r\nx: y", "holds characters that no header may hold"),
        (f"{SECRET}é", "holds characters that no header may hold"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str | None, message: str
) -> None:
    monkeypatch.delenv("THE_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("THE_KEY", value)
    with pytest.raises(CredentialError, match=message) as caught:
        of(env="THE_KEY").renew()
    assert SECRET not in str(caught.value)


def test_a_file_is_read_again_after_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("first\n")
    authority = of(file=str(file))
    assert authority.due(1000.0)  # never read
    authority.renew()
    assert header(authority) == "Bearer first"
    assert not authority.due(1010.0)
    file.write_text("second\n")
    os.utime(file, ns=(1, 1))
    assert not authority.due(1011.0)  # it is looked at every few seconds
    assert authority.due(1020.0)
    authority.renew()
    assert header(authority) == "Bearer second"
    assert not authority.due(1030.0)


def test_a_file_that_goes_or_is_spoilt_leaves_the_old_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET)
    authority = of(file=str(file))
    authority.renew()
    for spoil in (file.unlink, lambda: file.write_text("\n")):
        spoil()
        with pytest.raises(CredentialError) as caught:
            authority.renew()
        assert str(file) in str(caught.value)
        assert SECRET not in str(caught.value)
        assert header(authority) == f"Bearer {SECRET}"
    file.write_text("mended")
    assert authority.due(1e9)


def test_a_file_that_comes_later_is_noticed(tmp_path: Path) -> None:
    authority = of(file=str(tmp_path / "key"))
    with pytest.raises(CredentialError, match="No such file"):
        authority.renew()
    assert not authority.due(10.0)
    (tmp_path / "key").write_text("now")
    assert authority.due(20.0)


def test_a_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * (MAX_BYTES + 1))
    with pytest.raises(CredentialError, match="too long"):
        of(file=str(tmp_path / "key")).renew()


# -- Entra ----------------------------------------------------------------------------------------------------------
class Chain:
    """A chain of credentials that gives tokens, or fails."""

    def __init__(self, *tokens: Any) -> None:
        self.tokens, self.scopes = list(tokens), []  # type: ignore[var-annotated]

    def get_token(self, scope: str) -> Any:
        self.scopes.append(scope)
        token = self.tokens.pop(0)
        if isinstance(token, Exception):
            raise token
        return SimpleNamespace(token=token[0], expires_on=token[1])


def test_a_token_is_renewed_before_it_ends() -> None:
    chain = Chain(("one", 5000), ("two", 9000))
    authority = EntraAuthority(chain)
    with pytest.raises(CredentialError, match="no token yet"):
        header(authority)
    assert authority.due(0.0)
    authority.renew()
    assert header(authority) == "Bearer one"
    assert not authority.due(5000 - EARLY)
    assert authority.due(5000 - EARLY + 1)
    authority.renew()
    assert header(authority) == "Bearer two"
    assert chain.scopes == [SCOPE, SCOPE]
    assert "two" not in repr(authority)


def test_a_chain_that_fails_keeps_the_token_and_says_why_in_short() -> None:
    from azure.core.exceptions import ClientAuthenticationError

    wrong = [ClientAuthenticationError("no luck " * 1000), ValueError("odd"), RuntimeError("bare"), ("two", None)]
    authority = EntraAuthority(Chain(("one", 5000), *wrong))
    authority.renew()
    for _ in wrong:
        with pytest.raises(CredentialError, match="Microsoft Entra ID gave no token: ") as caught:
            authority.renew()
        assert len(str(caught.value)) < 600
        assert header(authority) == "Bearer one"
        assert authority.due(5000.0)


def test_what_is_wrong_in_its_settings_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "no such credential")
    with pytest.raises(CredentialError, match="Microsoft Entra ID gave no token: "):
        EntraAuthority().renew()
