"""Compression that goes wrong, in the browser or behind it, and an exit that doesn't wait for it."""

from collections.abc import Callable

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.requests import Request
from tests.browsers.scenario import scenario
from tests.browsers.scenarios.answers import GROUP, acknowledged
from tests.browsers.visit import Visit

# Well above what is compressed at all.
MANY = 50


def is_packed(request: Request) -> bool:
    """Return whether a request is compressed."""
    return request.encoding == "gzip"


def arrives(visit: Visit, *quirks: str) -> list[Request]:
    """Record on a page with these quirks, which must have it all acknowledged; return what was sent."""
    tab = visit.open(head=broken(*quirks))
    tab.record(MANY)
    visit.check(visit.arrived(patience=15), "all of it arrived while the page stayed")
    tab.record(MANY)
    visit.check(visit.arrived(patience=15), "and all that came later")
    acknowledged(visit, tab)
    return visit.front.requests(visit.user)


def raw(visit: Visit, quirk: str) -> None:
    """Check that a page with this quirk sends the raw form instead."""
    visit.check(not any(map(is_packed, arrives(visit, quirk))), "it was sent as it is")


def declare(name: str, source: str, quirk: str) -> None:
    """Declare a scenario of a page with a quirk."""

    def run(visit: Visit) -> None:
        raw(visit, quirk)

    run.__doc__ = QUIRKS[quirk]
    scenario(name, GROUP, source=source, options=SOON, subjects=OURS)(run)


QUIRKS = {
    "gzipEndsEarly": "CompressionStream ends half-way, without an error: the raw form is sent.",
    "gzipIsRubbish": "CompressionStream gives bytes that are not gzip: the raw form is sent.",
    "gzipFails": "CompressionStream fails: the raw form is sent.",
    "gzipNeverEnds": "CompressionStream never ends: the raw form is sent, without waiting for ever.",
    "noCompression": "The browser can't compress.",
}
declare("gzip that ends early", "posthog-js#3564, #3568", "gzipEndsEarly")
declare("gzip that is not gzip", "posthog-js#3464", "gzipIsRubbish")
declare("gzip that fails", "posthog-js#3378", "gzipFails")
declare("gzip that never ends", "posthog-js#3564", "gzipNeverEnds")
declare("no CompressionStream", "facts: features absent", "noCompression")


def refused(visit: Visit, status: int) -> None:
    """Refuse everything that is compressed; check that the raw form follows, and compression is given up."""
    visit.front.answer(status, only=is_packed)
    requests = arrives(visit)
    visit.check(sum(map(is_packed, requests)) == 1, "only one was compressed")


def refusing(status: int) -> Callable[[Visit], None]:
    """Return a scenario's function, for a status."""

    def run(visit: Visit) -> None:
        refused(visit, status)

    run.__doc__ = f"Somebody between answers {status} to compressed requests: the raw form is sent, from then on."
    return run


for code in (400, 415):
    scenario(f"{code} for gzip", GROUP, source="posthog-js#3564", options=SOON, subjects=OURS)(refusing(code))


@scenario(
    "left while gzip takes its time",
    GROUP,
    source="embrace-web-sdk#1519, Amplitude-TypeScript#1799",
    options=SOON,
    subjects=OURS,
)
def left_while_compressing(visit: Visit) -> None:
    """Compressing takes three seconds, and the page is left after one: the exit sends the raw form at once."""
    tab = visit.open(head=broken(gzipTakes=3000))
    tab.record(MANY)
    visit.until(lambda: tab.call("compressing"), "it compresses")
    tab.go()
    visit.check(visit.arrived(patience=10), "the exit has sent it")
    visit.check(not any(map(is_packed, visit.front.requests(visit.user))), "as it is")
