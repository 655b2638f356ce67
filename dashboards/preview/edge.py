"""What browsers and a few others send to the collector during a play, some of it wrong: the dashboard *Edge* shows it.

It goes through the collector's own door, by HTTP; what is recorded is in the play's ledger like everything else.
"""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import Any

import orjson

from demo.plan.events import load_events
from demo.plan.sending import CLIENTS
from streams.collector.rules.reading import MOST_FLUSHES
from streams.errors import UserError
from streams.settings import Settings

HOST = "127.0.0.1"
SEED, BROWSERS = 3, 6
# Of each of the browsers' threads, on average.
REQUESTS_A_SECOND = 12.0
TIMEOUT_SECONDS = 20.0
USERS, MOST_IMPRESSIONS = 300, 12
# Of a hundred requests: those that record, that read, and those that a collector meets besides.
KINDS = {
    "record": 73, "read": 16, "cut": 2, "form": 2, "nameless": 2, "ahead": 2, "page": 1, "many": 1, "bot": 1,
}  # fmt: skip
# Below, gzip saves little.
LEAST_GZIP_BYTES = 1_000
CALLS = ("coverage", "unseen", "history")
IMPRESSIONS = "/v1/impressions"
TEXT = {"Content-Type": "text/plain;charset=UTF-8"}


@contextmanager
def traffic(settings: Settings) -> Iterator[None]:
    """Send until the end of the block. Raises UserError at its end if the collector went away meanwhile."""
    ended, failures = threading.Event(), list[Exception]()
    artworks = sorted({event.artwork_id for event in load_events(int(1000 * time.time()))})
    browsers = [
        threading.Thread(target=_browse, args=(settings, Random(SEED + number), artworks, ended, failures))
        for number in range(BROWSERS)
    ]
    for each in browsers:
        each.start()
    try:
        yield
    finally:
        ended.set()
        for each in browsers:
            each.join()
    if failures:
        raise UserError(f"The collector did not answer ({failures[0]!r}): see its log in {settings.data_dir}.")


def _browse(
    settings: Settings, rng: Random, artworks: list[str], ended: threading.Event, failures: list[Exception]
) -> None:
    connection = HTTPConnection(HOST, settings.collector_port, timeout=TIMEOUT_SECONDS)
    try:
        while not ended.wait(rng.expovariate(REQUESTS_A_SECOND)):
            (kind,) = rng.choices(list(KINDS), list(KINDS.values()))
            method, path, body, headers = _request(kind, rng, artworks)
            connection.request(method, path, body, headers)
            connection.getresponse().read()
    except (OSError, HTTPException) as error:
        failures.append(error)
    finally:
        connection.close()


def _request(kind: str, rng: Random, artworks: list[str]) -> tuple[str, str, bytes | None, dict[str, str]]:
    """Return method, path, body and headers of a request."""
    user = f"edge-{rng.randrange(USERS)}"
    if kind == "read":
        return "GET", f"/v1/users/{user}/{rng.choice(CALLS)}?pool=main", None, {}
    flush, headers = _flush(user, rng, artworks), dict(TEXT)
    if kind == "ahead":  # a clock that is an hour fast
        for each in flush["impressions"]:
            each["seen_at"] += 3_600_000
    body = orjson.dumps(flush)
    match kind:
        case "cut":  # it ends in the middle
            body = body[: len(body) // 2]
        case "form":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        case "nameless":  # beside a good flush, one that names no user
            body += b'\n{"v":1}\n'
        case "many":
            body = b"\n".join([body] * (MOST_FLUSHES + 1))
        case "page":
            headers["Origin"] = "https://elsewhere.example"
        case "bot":
            headers["User-Agent"] = "Mozilla/5.0 (compatible; Googlebot/2.1)"
    if len(body) > LEAST_GZIP_BYTES:
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    return "POST", IMPRESSIONS, body, headers


def _flush(user: str, rng: Random, artworks: list[str]) -> dict[str, Any]:
    now = int(1000 * time.time())
    # A user keeps one browser.
    clients = [each for each, share in CLIENTS.items() for _ in range(share)]
    client = clients[int(user.removeprefix("edge-")) % len(clients)]
    failed = rng.random() < 0.02
    impressions = [
        {
            "impression_id": f"i-{rng.getrandbits(64):x}",
            "artwork_id": artwork,
            "seen_at": now - rng.randrange(2_000),
            "pool_id": "main",
            "position": position,
        }
        for position, artwork in enumerate(rng.sample(artworks, rng.randint(1, MOST_IMPRESSIONS)))
    ]
    return {
        "v": 1,
        "flush_id": f"f-{rng.getrandbits(64):x}",
        "user_id": user,
        "sent_at": now,
        "transport": "fetch",
        "reason": "timer",
        **({"client": client} if client else {}),
        "impressions": impressions,
        "telemetry": {"attempts": 1 + failed, "failures": int(failed), "queued": 0, "dropped": 0},
    }
