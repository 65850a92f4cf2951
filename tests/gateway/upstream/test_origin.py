"""Reading a base address."""

from __future__ import annotations

import pytest

from detente.gateway.upstream.origin import parsed


@pytest.mark.parametrize(
    ("base", "origin", "authority", "path"),
    [
        ("https://a.example", "https://a.example", "a.example", ""),
        ("https://a.example/", "https://a.example", "a.example", ""),
        ("https://a.example:443/v1/", "https://a.example", "a.example", "/v1"),
        ("http://a.example:443", "http://a.example:443", "a.example:443", ""),
        ("http://127.0.0.1:8080/openai/v1", "http://127.0.0.1:8080", "127.0.0.1:8080", "/openai/v1"),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080", ""),
        ("HTTPS://A.Example/%3A", "https://a.example", "a.example", "/%3A"),
    ],
)
def test_a_base(base: str, origin: str, authority: str, path: str) -> None:
    found, rest = parsed(base)
    assert (str(found), found.authority, rest) == (origin, authority, path)


@pytest.mark.parametrize(
    "base",
    [
        *("", "a.example", "ftp://a.example", "//a.example", "https://", "https:///v1", "https://:443", "http://a:0"),
        *(
            "http://a:99999",
            "http://a:b",
            "http://user:secret@a",
            "http://secret@a",
            "http://a?key=secret",
            "http://a#b",
        ),
        *("http://a?", "http://a/b c", "http://a b", "http://a\r\nsecret: b", "http://a/\r\n", "http://ä.example"),
        *("http://a/ä", "http://[::1", "http://[secret]", "http://a%00b"),
    ],
)
def test_what_is_no_base_is_refused_and_not_repeated(base: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        parsed(base)
    assert "secret" not in str(caught.value)
