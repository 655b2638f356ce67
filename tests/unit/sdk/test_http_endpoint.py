"""A collector's address: what can't be one is named before anything is sent."""

from typing import Any

import pytest

from impression_streams import HttpImpressionProducer
from impression_streams.http.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "secure", "host", "port", "target", "authority"),
    [
        ("http://127.0.0.1:8080", False, "127.0.0.1", 8080, "", "127.0.0.1:8080"),
        ("https://c.example.com", True, "c.example.com", 443, "", "c.example.com"),
        ("https://c.example.com:443/", True, "c.example.com", 443, "", "c.example.com"),
        ("http://C.Example.com:80", False, "c.example.com", 80, "", "c.example.com"),
        ("https://c.example.com:8443", True, "c.example.com", 8443, "", "c.example.com:8443"),
        ("http://[::1]:8080", False, "::1", 8080, "", "[::1]:8080"),
        ("https://x.org/col%20lect/", True, "x.org", 443, "/col%20lect", "x.org"),
        ("https://x.org/in/v1/impressions", True, "x.org", 443, "/in", "x.org"),
        ("https://m\u00fcnchen.example", True, "xn--mnchen-3ya.example", 443, "", "xn--mnchen-3ya.example"),
    ],
)
def test_an_address_is_read(text: str, secure: bool, host: str, port: int, target: str, authority: str) -> None:
    assert Endpoint.parse(text) == Endpoint(secure, host, port, f"{target}/v1/impressions", authority)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("127.0.0.1:8080", "is not an address"),
        ("c.example.com", "is not an address"),
        ("ftp://c.example.com", "is not an address"),
        ("kafka://c.example.com:9092", "is not an address"),
        ("http://", "is not an address"),
        ("http://:8080", "is not an address"),
        ("http://c.example.com:0", "is not an address"),
        ("http://c.example.com:65536", "is not an address"),
        ("http://c.example.com:http", "is not an address"),
        ("http://c.exa mple.com", "is not an address"),
        ("http://c.example.com\r\nX: y", "is not an address"),
        ("\thttp://c.example.com", "is not an address"),
        ("http://[::1", "is not an address"),
        ("http://" + "a" * 64 + ".example", "is not a host's name"),
        ("https://c.example.com?encoding=gzip", "more than a path"),
        ("https://c.example.com/#x", "more than a path"),
        ("", "is not an address"),
        (None, "not NoneType"),
        (["http://c"], "not list"),
    ],
)
def test_what_is_no_address_is_refused_with_what_is_expected(text: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"^endpoint: .*({said})") as caught:
        HttpImpressionProducer(text)  # type: ignore[arg-type]
    assert "https://collector.example.com" in str(caught.value)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="use `token`") as caught:
        Endpoint.parse("https://me:secret@c.example.com")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("[::1]", True), ("localhost", True), ("a.localhost", True),
     ("localhost.example.com", False), ("10.0.0.1", False), ("c.example.com", False)],
)  # fmt: skip
def test_this_machine_is_known(host: str, expected: bool) -> None:
    assert Endpoint.parse(f"http://{host}:8080").is_loopback is expected


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"connections": 0}, "connections: 1 to 16"),
        ({"connections": 17}, "connections: 1 to 16"),
        ({"request_timeout": 0}, "request_timeout"),
        ({"linger_ms": -1}, "linger_ms"),
        ({"linger_ms": 1001}, "linger_ms"),
        ({"batch_size": 501}, "batch_size"),
        ({"token": "a b"}, "token: .*other characters"),
        ({"token": "x\r\nEvil: 1"}, "token: .*other characters"),
        ({"token": ""}, "token: .*other characters"),
        ({"token": "x" * 4097}, "4097 characters"),
        ({"token": 5}, "token: .*not int"),
        ({"user_token": "text"}, "user_token: a function"),
        ({"token": "x", "user_token": str}, "not both"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        HttpImpressionProducer(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("endpoint", "settings", "is_said"),
    [
        ("http://c.example.com", {"token": "secret"}, True),
        ("http://c.example.com", {"user_token": str}, True),
        ("http://c.example.com", {}, False),
        ("http://127.0.0.1:8080", {"token": "secret"}, False),
        ("https://c.example.com", {"token": "secret"}, False),
    ],
)
def test_a_token_that_others_could_read_is_a_warning(
    endpoint: str, settings: dict[str, Any], is_said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    HttpImpressionProducer(endpoint, **settings).close()
    said = [record.getMessage() for record in caplog.records if record.name == "impression_streams"]
    assert said == (["token_in_clear host='c.example.com'"] if is_said else [])
