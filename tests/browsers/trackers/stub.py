"""The trackers' endpoints, answering as the real ones do. CORS is the front's: it mirrors any origin."""

from collections.abc import Callable, Sequence

from tests.browsers.requests import Flush, Request
from tests.browsers.subjects import Answer
from tests.browsers.trackers import decode

# Where each tracker sends its events, under the endpoint that it is given.
PATHS = {
    "posthog": ("/e/", "/i/v0/e/", "/batch/"),
    "segment": ("/v1/t", "/v1/b"),
    "snowplow": ("/com.snowplowanalytics.snowplow/tp2",),
    "rudder": ("/v1/track", "/v1/batch"),
    "plausible": ("/api/event",),
}
# What each answers to events that it took: status, body, content type.
ANSWERS = {
    "posthog": (200, b'{"status":"Ok"}', "application/json"),
    "segment": (200, b'{"success": true}', "application/json"),
    "snowplow": (200, b"ok", "text/plain"),
    "rudder": (200, b'"OK"', "text/plain"),
    "plausible": (202, b"ok", "text/plain"),
}


def stub(vendor: str) -> Callable[[Request], Answer]:
    """Return what answers for a vendor's endpoint.

    It raises ValueError for a body that isn't in the vendor's format, and for a path that isn't known: either is a bug
    of the decoder, which must not pass for a loss.
    """
    status, body, content_type = ANSWERS[vendor]

    def answer(request: Request) -> Answer:
        if request.path not in PATHS[vendor]:
            raise ValueError(f"{vendor} asks for {request.method} {request.path}, which its stub doesn't know")
        decode.events(vendor, request.query, request.body)
        return Answer(status, body, {"Content-Type": content_type})

    return answer


def flushes(vendor: str) -> Callable[[Request], Sequence[Flush]]:
    """Return what reads a vendor's requests: one flush for each user, whose impressions' ids are the vendor's keys."""

    def read(request: Request) -> Sequence[Flush]:
        if request.path not in PATHS[vendor]:
            return ()
        by_user: dict[str, list[tuple[str, str]]] = {}
        for event in decode.events(vendor, request.query, request.body):
            by_user.setdefault(event.viewer, []).append((event.key, event.artwork))
        return [Flush("", user, "", "", tuple(events), {}, {}) for user, events in by_user.items()]

    return read
