"""What trackers really sent, captured from Chromium, is decoded; what isn't in their format is refused."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.browsers.requests import Request
from tests.browsers.trackers import decode, stub
from tests.browsers.trackers.vendors import BY_NAME

CAPTURED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "tracker_bodies.json").read_text())


def body(captured: dict[str, Any]) -> bytes:
    return captured["text"].encode() if "text" in captured else base64.b64decode(captured["base64"])


def decoded(captured: dict[str, Any]) -> list[decode.Event]:
    return decode.events(captured["vendor"], captured["query"], body(captured))


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda one: one["name"])
def test_each_artwork_is_found_with_its_viewer(captured: dict[str, Any]) -> None:
    found = decoded(captured)
    assert [event.artwork for event in found] == captured["artworks"]
    assert {event.viewer for event in found} == {f"u-{captured['vendor']}"}


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda one: one["name"])
def test_each_event_has_a_key_of_its_own_where_the_vendor_has_one(captured: dict[str, Any]) -> None:
    keys = [event.key for event in decoded(captured)]
    if BY_NAME[captured["vendor"]].key:
        assert all(len(key) >= 36 for key in keys)
        assert len(set(keys)) == len(keys)
    else:
        assert set(keys) == {""}


def test_every_vendor_and_every_path_that_it_used_is_known() -> None:
    assert {captured["vendor"] for captured in CAPTURED} == set(BY_NAME) == set(decode.DECODERS) == set(stub.PATHS)
    assert all(captured["path"] in stub.PATHS[captured["vendor"]] for captured in CAPTURED)


@pytest.mark.parametrize("vendor", sorted(BY_NAME))
@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\x1f\x8b\x08", b"null", b"\xff"])
def test_what_is_in_no_format_is_refused(vendor: str, text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode.events(vendor, {}, text)


def test_a_cut_gzip_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="cut"):
        decode.events("posthog", {}, gzip.compress(b'{"batch":[]}')[:-4])


def test_a_gzip_stream_that_inflates_without_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        decode.events("posthog", {}, gzip.compress(b" " * (decode.MOST_BYTES + 1)))


def request(captured: dict[str, Any]) -> Request:
    vendor = captured["vendor"]
    return Request(0.0, "POST", captured["path"], captured["query"], {}, body(captured), reads=stub.flushes(vendor))


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda one: one["name"])
def test_a_request_says_what_it_holds_as_a_flush_of_ours_would(captured: dict[str, Any]) -> None:
    (flush,) = request(captured).flushes
    assert flush.user == f"u-{captured['vendor']}"
    assert [artwork for _, artwork in flush.impressions] == captured["artworks"]


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda one: one["name"])
def test_the_stub_takes_it(captured: dict[str, Any]) -> None:
    answer = stub.stub(captured["vendor"])(request(captured))
    assert (answer.status, answer.body) == stub.ANSWERS[captured["vendor"]][:2]


def test_a_path_that_the_stub_does_not_know_is_a_bug_and_no_loss() -> None:
    unknown = Request(0.0, "GET", "/decide", {}, {}, b"", reads=stub.flushes("posthog"))
    assert unknown.flushes == []
    with pytest.raises(ValueError, match="GET /decide"):
        stub.stub("posthog")(unknown)
