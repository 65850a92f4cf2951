"""The head of a request: nothing gets in that could end its line."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detente.gateway.upstream.heads import request_head
from detente.providers.outgoing import Outgoing

KEY = (("api-key", "secret"),)


def head(outgoing: Outgoing) -> bytes:
    return request_head("a.example", "/base", outgoing, KEY)


def test_a_head() -> None:
    made = head(Outgoing("/v1/x?y=%3A", (("Content-Type", "application/json"),), b"{}"))
    assert made == (
        b"POST /base/v1/x?y=%3A HTTP/1.1\r\nhost: a.example\r\naccept-encoding: identity\r\ncontent-length: 2\r\n"
        b"Content-Type: application/json\r\napi-key: secret\r\n\r\n"
    )


def test_a_key_that_changes_and_any_other_part_of_a_head_are_sent_as_they_are_now() -> None:
    """What is the same for many calls is built once: of each part that differs, the head is another."""
    plain = Outgoing("/v1/x", (("a", "1"),), b"{}")
    keys = [(("api-key", "old"),), (("api-key", "new"),), (("authorization", "new"),), (*KEY, ("x", "y")), ()]
    for key in [*keys, *keys]:
        own = "".join(f"{name}: {value}\r\n" for name, value in key)
        assert request_head("a.example", "/base", plain, key).decode() == (
            "POST /base/v1/x HTTP/1.1\r\nhost: a.example\r\naccept-encoding: identity\r\ncontent-length: 2\r\na: 1\r\n"
            f"{own}\r\n"
        )
    others = [
        request_head("b.example", "/base", plain, KEY),
        request_head("a.example", "/other", plain, KEY),
        *(
            request_head("a.example", "/base", outgoing, KEY)
            for outgoing in (
                plain,
                Outgoing("/v1/y", (("a", "1"),), b"{}"),
                Outgoing("/v1/x", (("a", "2"),), b"{}"),
                Outgoing("/v1/x", (("a", "1"),), b"{ }"),
                Outgoing("/v1/x", (("a", "1"),), b"{}", method="PUT"),
            )
        ),
    ]
    assert len(set(others)) == 7


def test_a_body_says_its_length_even_where_it_is_empty() -> None:
    assert b"content-length: 0\r\n" in head(Outgoing("/", (), b""))
    assert b"content-length" not in head(Outgoing("/", (), b"", method="GET"))


@pytest.mark.parametrize("sign", ["\r", "\n", "\r\n", "\0", "\x0b", "\x7f", "\x85", "\u2028", "é", "\u560a", "\ud800"])
def test_a_value_with_a_line_break_or_another_control_sign_is_refused(sign: str) -> None:
    for text in (f"secret{sign}evil: 1", f"secret{sign}", f"{sign}secret"):
        with pytest.raises(ValueError, match="`x-a`") as caught:
            head(Outgoing("/", (("x-a", text),), b""))
        assert "secret" not in str(caught.value)
        with pytest.raises(ValueError, match="target"):
            head(Outgoing(f"/{text}", (), b""))


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "a\n", "é", "a\0", " a", "secret: a\r\nb"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="token") as caught:
        head(Outgoing("/", ((name, "b"),), b""))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "connection", "Upgrade", "expect", "TE"]
)
def test_what_the_connection_says_is_said_by_nobody_else(name: str) -> None:
    with pytest.raises(ValueError, match=name.lower()):
        head(Outgoing("/", ((name, "1"),), b""))


@pytest.mark.parametrize("method", ["HEAD", "CONNECT", "post", "POST ", "", "GET / HTTP/1.1\r\n"])
def test_methods_whose_replies_are_framed_otherwise_are_refused(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        head(Outgoing("/", (), b"", method=method))


@pytest.mark.parametrize("target", ["", "a", "//a b", "/ HTTP/1.1", "http://a/", "*", "?a"])
def test_a_target_is_a_path(target: str) -> None:
    with pytest.raises(ValueError, match="target"):
        head(Outgoing(target, (), b""))


class Seen:
    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))


SIGNS = st.text(st.sampled_from("aZ09-_.~!%/?#:;, \t\r\n\0\x0b\x7f\x85é\u2028\udcff"), max_size=8)


@given(SIGNS, SIGNS, SIGNS)
@example("0", "0 ", "")
def test_whatever_is_not_refused_is_read_as_it_was_meant(name: str, value: str, target: str) -> None:
    try:
        made = head(Outgoing(f"/{target}", ((name, value),), b""))
    except ValueError:
        return
    seen = Seen()
    httptools.HttpRequestParser(seen).feed_data(made)
    assert seen.url.decode() == f"/base/{target}"
    # Blanks around a value are not a part of it (RFC 9110, 5.5); llhttp leaves those behind it to its user.
    found = [(given, stated.rstrip(b" ")) for given, stated in seen.headers[3:]]
    assert found == [(name.encode(), value.strip(" ").encode()), (b"api-key", b"secret")]
