"""Which pages may talk to the collector, and what their browsers are told."""

import pytest

from streams.collector.rules.cors import Cors
from streams.errors import UserError

SHOP = "https://shop.example"
CORS = Cors([SHOP, "http://localhost:5173/", "https://CDN.example:443", "http://[::1]:8080"])


def test_an_allowed_origin_is_echoed_with_credentials() -> None:
    headers = CORS.headers(SHOP)
    assert (b"access-control-allow-origin", SHOP.encode()) in headers
    assert (b"access-control-allow-credentials", b"true") in headers
    assert (b"vary", b"Origin") in headers
    assert dict(headers)[b"access-control-expose-headers"] == b"date, etag, retry-after"


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "http://shop.example",
        "https://shop.example.evil.example",
        "https://evil.example/https://shop.example",
        "https://shop.example:444",
        "https://SHOP.example",
        "https://shop.example/",
        "https://shop.example\r\nx: y",
    ],
)
def test_no_other_origin_is_and_caches_know_that_it_matters(origin: str) -> None:
    assert CORS.headers(origin) == [(b"vary", b"Origin")]


def test_entries_are_written_as_browsers_send_them() -> None:
    for origin in (SHOP, "http://localhost:5173", "https://cdn.example", "http://[::1]:8080"):
        assert CORS.admits(origin)
    assert not CORS.admits("http://localhost:5173/")


def test_a_request_from_no_page_is_admitted_and_one_from_a_strange_page_is_not() -> None:
    assert CORS.admits("")
    assert not CORS.admits("null")
    assert not CORS.admits("https://evil.example")
    assert Cors([]).admits("")


def test_a_preflight_of_an_allowed_origin() -> None:
    status, headers = CORS.preflight(SHOP, "POST")
    found = dict(headers)
    assert status == 204
    assert found[b"access-control-allow-origin"] == SHOP.encode()
    assert found[b"access-control-allow-credentials"] == b"true"
    assert found[b"access-control-allow-methods"] == b"POST"
    assert {b"content-type", b"authorization"} <= set(found[b"access-control-allow-headers"].split(b", "))
    assert found[b"access-control-max-age"] == b"86400"
    assert b"Origin" in found[b"vary"]


def test_a_preflight_of_another_origin_or_of_none() -> None:
    assert CORS.preflight("https://evil.example", "POST") == (403, [(b"vary", b"Origin")])
    assert CORS.preflight("null", "POST").status == 403
    status, headers = CORS.preflight("", "GET, PUT")
    assert status == 204
    assert (b"allow", b"GET, PUT") in headers
    assert not [name for name, _ in headers if name.startswith(b"access-control")]


@pytest.mark.parametrize(
    "text",
    ["*", "null", "", "shop.example", "https://*.example", "https://shop.example/path", "https://u@shop.example"],
)
def test_what_no_browser_sends_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not an origin"):
        Cors([text])
