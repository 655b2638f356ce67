"""What trackers send, decoded: the events in the body of a request, each with its vendor's deduplication key."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

# Far above what a scenario sends; a body that inflates beyond is refused.
MOST_BYTES = 16 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class Event:
    """An artwork that was seen, as a tracker reported it. `key` is "" where the vendor has none."""

    viewer: str
    artwork: str
    key: str


def events(vendor: str, query: Mapping[str, str], body: bytes) -> list[Event]:
    """Return the events of artworks in a request's body; other events of the tracker are left out.

    Raises ValueError if the body isn't in the vendor's format.
    """
    try:
        return list(DECODERS[vendor](query, body))
    except (KeyError, TypeError, AttributeError, zlib.error) as error:
        raise ValueError(f"this isn't a body of {vendor}: {error!r}") from None


def _posthog(query: Mapping[str, str], body: bytes) -> Iterator[Event]:
    # Older versions say `compression=gzip-js` in the query, newer ones nothing: its endpoint looks at the first bytes.
    if body.startswith(GZIP_MAGIC):
        body = _inflated(body)
    elif query.get("compression") == "base64":
        body = base64.b64decode(parse_qs(body.decode("ascii"))["data"][0])
    sent: Any = json.loads(body)
    # Newer versions wrap a batch in an object, older ones send a list, or one event.
    for one in sent.get("batch", [sent]) if isinstance(sent, dict) else sent:
        yield from _event(one["properties"], one["uuid"])


def _segment(query: Mapping[str, str], body: bytes) -> Iterator[Event]:
    sent = json.loads(body)
    for one in sent.get("batch", [sent]):
        yield from _event(one.get("properties"), one["messageId"])


def _snowplow(query: Mapping[str, str], body: bytes) -> Iterator[Event]:
    for one in json.loads(body)["data"]:
        if "ue_pr" in one:
            unstructured = json.loads(one["ue_pr"])
        elif "ue_px" in one:
            unstructured = json.loads(base64.urlsafe_b64decode(one["ue_px"] + "=" * (-len(one["ue_px"]) % 4)))
        else:
            continue
        # A self-describing event within the envelope of unstructured ones.
        yield from _event(unstructured["data"]["data"], one["eid"])


def _plausible(query: Mapping[str, str], body: bytes) -> Iterator[Event]:
    yield from _event(json.loads(body).get("p"), "")


def _event(properties: Any, key: str) -> Iterator[Event]:
    if properties and "artwork_id" in properties:
        yield Event(str(properties["viewer"]), str(properties["artwork_id"]), key)


def _inflated(body: bytes) -> bytes:
    stream = zlib.decompressobj(GZIP)
    plain = stream.decompress(body, MOST_BYTES)
    if not stream.eof:
        raise ValueError("this gzip stream is cut, or too large")
    return plain


# RudderStack's format is Segment's.
DECODERS: dict[str, Callable[[Mapping[str, str], bytes], Iterator[Event]]] = {
    "posthog": _posthog,
    "segment": _segment,
    "snowplow": _snowplow,
    "rudder": _segment,
    "plausible": _plausible,
}
