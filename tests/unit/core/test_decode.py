"""What a decoded flush holds, and the detail of a wrong one. tests/unit/rules cover which ones are wrong."""

import orjson
import pytest

from impression_streams.flush import Impression
from streams.core.decode import DecodedFlush, InvalidImpression, RefusedLine, decode
from tests.support.flushes import A, flush, impression, line, without


def decoded(text: bytes) -> DecodedFlush:
    result = decode(text)
    assert isinstance(result, DecodedFlush), result
    return result


def refused(text: bytes) -> RefusedLine:
    result = decode(text)
    assert isinstance(result, RefusedLine), result
    return result


# Required fields come first.
FLUSH = ["v", "flush_id", "user_id", "sent_at", "impressions"]
FLUSH += ["session_id", "transport", "reason", "tier", "experiments", "client", "telemetry"]
IMPRESSION = ["impression_id", "artwork_id", "seen_at", "pool_id", "dwell_ms", "visible", "position", "surface"]


@pytest.mark.parametrize("name", FLUSH)
def test_the_detail_of_a_line_names_its_wrong_field(name: str) -> None:
    assert name in refused(line(**{name: []})).detail


@pytest.mark.parametrize("name", FLUSH[:5])
def test_the_detail_of_a_line_names_its_missing_field(name: str) -> None:
    assert name in refused(orjson.dumps(without(flush(), name))).detail


@pytest.mark.parametrize("name", IMPRESSION)
def test_the_detail_of_an_impression_names_its_wrong_field(name: str) -> None:
    good, bad = impression(), impression(**{name: []})
    first, second, third = decoded(line(impressions=[good, bad, good])).impressions
    assert isinstance(first, Impression)
    assert isinstance(second, InvalidImpression)
    assert isinstance(third, Impression)
    assert second.payload == orjson.dumps(bad)
    assert name in second.detail


@pytest.mark.parametrize("name", IMPRESSION[:3])
def test_the_detail_of_an_impression_names_its_missing_field(name: str) -> None:
    (found,) = decoded(line(impressions=[without(impression(), name)])).impressions
    assert isinstance(found, InvalidImpression)
    assert name in found.detail


def test_absent_fields_have_defaults() -> None:
    found = decoded(line())
    assert found.flush.model_dump(exclude={"impressions"}) == {
        "v": 1,
        "flush_id": "f1",
        "user_id": "u1",
        "sent_at": A,
        "session_id": "",
        "transport": "sdk",
        "reason": "manual",
        "tier": "free",
        "experiments": {},
        "client": "",
        "telemetry": {"attempts": 0, "failures": 0, "queued": 0, "dropped": 0},
    }
    (only,) = found.impressions
    assert isinstance(only, Impression)
    assert only.model_dump() == {
        "impression_id": "i1",
        "artwork_id": "a1",
        "seen_at": A,
        "pool_id": "",
        "dwell_ms": None,
        "visible": None,
        "position": None,
        "surface": "",
    }


def test_details_are_short_and_name_what_is_wrong() -> None:
    experiments = {f"e{n}" * 20: "" for n in range(16)}
    assert len(refused(line(experiments=experiments)).detail) <= 500
    assert refused(line(user_id="bad id")).detail.startswith("user_id: ")
