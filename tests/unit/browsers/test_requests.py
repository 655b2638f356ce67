"""What arrived at the front is read as the collector reads it, or not at all."""

import gzip
import json
from typing import Any

import pytest

from tests.browsers.requests import Request

FLUSH: dict[str, Any] = {
    "v": 1,
    "flush_id": "f1",
    "user_id": "u1",
    "sent_at": 1,
    "transport": "beacon",
    "reason": "pagehide",
    "impressions": [{"impression_id": "i1", "artwork_id": "a1", "seen_at": 1}],
    "telemetry": {"attempts": 2},
}
LINE = json.dumps(FLUSH).encode()


def request(body: bytes, headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> Request:
    return Request(0.0, "POST", "/v1/impressions", query or {}, headers or {}, body)


@pytest.mark.parametrize(
    "found",
    [
        request(LINE),
        request(b'{"token":"t"}\n' + LINE + b"\n"),
        request(gzip.compress(LINE), {"content-encoding": "gzip"}),
        request(gzip.compress(LINE), query={"encoding": "gzip"}),
    ],
)
def test_a_flush_is_found_beside_a_token_and_compressed(found: Request) -> None:
    (flush,) = found.flushes
    assert (flush.flush_id, flush.user, flush.transport, flush.reason) == ("f1", "u1", "beacon", "pagehide")
    assert (flush.impressions, flush.telemetry) == ((("i1", "a1"),), {"attempts": 2})
    assert found.transports == ["beacon"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"event":"x"}'])
def test_what_is_no_flush_is_none(body: bytes) -> None:
    assert request(body).flushes == []


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(LINE)[:-5], b""])
def test_what_can_not_be_decompressed_is_empty(body: bytes) -> None:
    found = request(body, {"content-encoding": "gzip"})
    assert (found.text, found.flushes) == (b"", [])
