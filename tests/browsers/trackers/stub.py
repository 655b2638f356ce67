"""The trackers' endpoints, as their real ones answer: they take events, and count the arrivals of each."""

from collections import defaultdict
from dataclasses import dataclass, field

from aiohttp import web

from tests.browsers.trackers import decode

# Where each tracker sends its events, under the endpoint that it is given.
PATHS = {
    "posthog": ("/e/", "/i/v0/e/", "/batch/"),
    "segment": ("/v1/t", "/v1/b", "/v1/i", "/v1/p"),
    "snowplow": ("/com.snowplowanalytics.snowplow/tp2",),
    "rudder": ("/v1/track", "/v1/batch"),
    "plausible": ("/api/event",),
}
VENDOR_OF = {path: vendor for vendor, paths in PATHS.items() for path in paths}
# What each answers to events that it took: status, body, content type.
ANSWERS = {
    "posthog": (200, '{"status":"Ok"}', "application/json"),
    "segment": (200, '{"success": true}', "application/json"),
    "snowplow": (200, "ok", "text/plain"),
    "rudder": (200, '"OK"', "text/plain"),
    "plausible": (202, "ok", "text/plain"),
}
PREFLIGHT_SECONDS = "3600"


@dataclass
class Arrivals:
    """What arrived: for each viewer and artwork, the key of every arrival, in order."""

    keys: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    # Bodies that aren't in their vendor's format: a bug of the stub, never of the tracker.
    unreadable: list[str] = field(default_factory=list)
    # Other paths that were asked for, such as remote configuration.
    others: list[str] = field(default_factory=list)

    def of(self, viewer: str) -> dict[str, list[str]]:
        """Return the keys that arrived for each artwork of a viewer."""
        return {artwork: list(keys) for (who, artwork), keys in self.keys.items() if who == viewer}


@dataclass(frozen=True)
class Count:
    """How a viewer's recorded artworks arrived."""

    recorded: int
    lost: int
    # Arrivals beyond the first of an artwork: all of them, and those that the vendor's key doesn't drop.
    double_raw: int
    double: int


def count(recorded: list[str], arrived: dict[str, list[str]]) -> Count:
    """Compare what a page recorded, each artwork once, with the keys that arrived for each artwork."""
    lost = sum(1 for artwork in recorded if not arrived.get(artwork))
    raw = sum(len(keys) - 1 for keys in arrived.values() if keys)
    # Without a key nothing can be dropped: each arrival counts.
    kept = sum(len(set(keys)) - 1 if all(keys) else len(keys) - 1 for keys in arrived.values() if keys)
    return Count(len(recorded), lost, raw, kept)


def application(arrivals: Arrivals) -> web.Application:
    """Return the server of all endpoints; what arrives is added to `arrivals`."""

    async def handle(request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=_cors(request))
        vendor = VENDOR_OF.get(request.path)
        if vendor is None or request.method != "POST":
            arrivals.others.append(f"{request.method} {request.path}")
            return web.json_response({}, headers=_cors(request))
        body = await request.read()
        try:
            found = decode.events(vendor, request.query, body)
        except ValueError as error:
            arrivals.unreadable.append(str(error))
            return web.Response(status=400, headers=_cors(request))
        for event in found:
            arrivals.keys[event.viewer, event.artwork].append(event.key)
        status, text, content_type = ANSWERS[vendor]
        return web.Response(status=status, text=text, content_type=content_type, headers=_cors(request))

    app = web.Application(client_max_size=decode.MOST_BYTES)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _cors(request: web.Request) -> dict[str, str]:
    # Any origin, mirrored, since beacons carry credentials: what the real ones do.
    return {
        "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", "content-type"),
        "Access-Control-Max-Age": PREFLIGHT_SECONDS,
        "Vary": "Origin",
    }
