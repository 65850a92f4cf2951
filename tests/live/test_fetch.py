"""Which addresses a case lets the gateway fetch files from."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from detente.live.fetch import Fetch


def allows(url: str, *hosts: str, **more: Any) -> bool:
    return Fetch.model_validate({"hosts": list(hosts) or ["files.example.com"], **more}).forbids(url) is None


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://files.example.com/a.png?b=c#d", ["files.example.com"]),
        ("https://FILES.example.com", ["files.EXAMPLE.com"]),
        ("https://files.example.com:443/a", ["files.example.com"]),
        ("https://files.example.com/a", ["files.example.com:443"]),
        ("https://a.b.example.com/a", ["*.example.com"]),
        ("https://files.example.com:8443/a", ["files.example.com:8443"]),
        ("https://93.184.215.14/a", ["93.184.215.14"]),
        ("https://[2606:4700::1111]/a", ["*"]),
        ("https://anywhere.org/a", ["other.org", "*"]),
    ],
)
def test_a_host_is_allowed_by_its_name_or_by_what_it_is_below(url: str, hosts: list[str]) -> None:
    assert allows(url, *hosts)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://example.com/a", ["*.example.com"]),  # what is below it, and not itself
        ("https://badexample.com/a", ["*.example.com"]),
        ("https://files.example.com.evil.org/a", ["files.example.com"]),
        ("https://files.example.com./a", ["files.example.com"]),
        ("https://files.example.com:8443/a", ["files.example.com"]),
        ("https://files.example.com:8443/a", ["*"]),
        ("https://files.example.com/a", ["files.example.com:8443"]),
        ("https://files.example.com@evil.org/a", ["files.example.com"]),
        ("https://user@files.example.com/a", ["files.example.com"]),
        ("https://evil.org\\@files.example.com/a", ["files.example.com"]),
        ("http://files.example.com/a", ["files.example.com"]),
        ("ftp://files.example.com/a", ["files.example.com"]),
        ("file:///etc/passwd", ["*"]),
        ("https:///a", ["*"]),
        ("https://[::1/a", ["*"]),
        ("https://files.example.com:99999/a", ["*"]),
    ],
)
def test_what_only_looks_like_it_is_not(url: str, hosts: list[str]) -> None:
    assert not allows(url, *hosts)


def test_without_tls_only_where_that_is_stated() -> None:
    assert allows("http://files.example.com/a", http=True)
    assert not allows("http://files.example.com:443/a", http=True)
    assert allows("https://files.example.com/a", http=True)


@pytest.mark.parametrize("host", ["https://files.example.com", "files.example.com/", "*example.com", "a.*.com", ""])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        Fetch(hosts=(host,))


def test_some_host_is_stated() -> None:
    with pytest.raises(ValidationError):
        Fetch(hosts=())
