"""What must be true of all that arrived, whatever a scenario did: limits, owners, and impressions that never change."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from tests.browsers.requests import Flush, Request
from tests.browsers.visit import Visit

Check = Callable[..., None]

# A flush's line, and a request as it is sent (contract §3, §6).
LINE_BYTES = REQUEST_BYTES = 1 << 20
IMPRESSIONS = 500
# What a browser takes of one fetch that may outlive its page; of beacons, Firefox takes any size.
KEEPALIVE_BYTES = 64 << 10


def _ours_only(check: Check) -> Check:
    """Let a check of our own format, and of promises that only we make, pass on the subjects of others."""

    @wraps(check)
    def checked(visit: Visit, *arguments: Any) -> None:
        if visit.lane.subject.stub is None:
            check(visit, *arguments)

    return checked


@_ours_only
def within_limits(visit: Visit) -> None:
    """Check that no request was larger than the collector, or the browser's rule for exits, takes."""
    for request in visit.front.requests(visit.user):
        lines = request.text.splitlines()
        visit.check(max(map(len, lines)) <= LINE_BYTES, "no flush is above 1 MiB")
        visit.check(len(request.body) <= REQUEST_BYTES, "no request is above 1 MiB")
        visit.check(all(len(each.impressions) <= IMPRESSIONS for each in request.flushes), "500 impressions at most")
        if "keepalive" in request.transports:
            visit.check(len(request.body) <= KEEPALIVE_BYTES, "a keepalive fetch has at most 64 KiB")


@_ours_only
def oldest_first(visit: Visit, since: float) -> None:
    """Check that what was stored after `since` went in the order in which it was recorded."""
    stored = [each for each in visit.front.requests(visit.user) if each.stored and each.at >= since]
    ids = [identity for request in stored for flush in request.flushes for identity, _ in flush.impressions]
    first = list(dict.fromkeys(ids))
    visit.check(first == sorted(first), "the oldest are sent first")


@_ours_only
def unchanged(visit: Visit) -> None:
    """Check that an impression that was sent again was still the same one."""
    known: dict[str, object] = {}
    for request in visit.front.requests(visit.user):
        for flush in request.flushes:
            for each in flush.fields["impressions"]:
                visit.check(known.setdefault(each["impression_id"], each) == each, "a resend has the same bytes")


def telemetry(visit: Visit, name: str) -> int:
    """Return the sum of a number over the flushes that were stored, each counted once."""
    found = {flush.flush_id: flush.telemetry.get(name, 0) for flush in stored_flushes(visit)}
    return sum(found.values())


def attempts(visit: Visit) -> int:
    """Return the highest number of attempts that a flush tells of."""
    return max((flush.telemetry.get("attempts", 0) for flush in stored_flushes(visit)), default=0)


def stored_flushes(visit: Visit) -> list[Flush]:
    """Return the flushes that the collector took."""
    return [flush for request in stored(visit) for flush in request.flushes]


def stored(visit: Visit) -> list[Request]:
    """Return the requests that the collector took."""
    return [each for each in visit.front.requests(visit.user) if each.stored]
