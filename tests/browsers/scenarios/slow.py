"""Slow networks, and answers that take their time."""

from tests.browsers.broken import OURS, SOON, broken
from tests.browsers.checks import unchanged
from tests.browsers.scenario import scenario
from tests.browsers.scenarios.network import GROUP
from tests.browsers.visit import Visit
from tests.support.wait import let_pass

# Upload and answer together, far from the minute from which a clock counts as wrong.
SLOW_ANSWER_SECONDS = 8.0
WRONG_CLOCK_MS = 60_000


@scenario("slow 3G", GROUP, source="facts: Slow 3G; posthog#98250", options=SOON)
def slow_3g(visit: Visit) -> None:
    """Fifty impressions over Slow 3G, five at a time, while the page stays."""
    visit.network.slow()
    tab = visit.open()
    for _ in range(10):
        tab.record(5)
        let_pass(0.1)
    visit.arrived()
    unchanged(visit)


@scenario("slow 3G, page left at once", GROUP, source="facts: Slow 3G; Amplitude-JavaScript#385", options=SOON)
def slow_3g_left(visit: Visit) -> None:
    """Over Slow 3G the page is left in the task that records."""
    visit.network.slow()
    tab = visit.open()
    tab.record_and_go(5)
    visit.network.on()
    tab.load(visit.plan())
    visit.arrived()


@scenario("slow answers", GROUP, source="posthog#98250, relay#534", options=SOON, subjects=OURS)
def slow_answers(visit: Visit) -> None:
    """Each answer takes eight seconds, which says nothing about the clock: no time is corrected."""
    visit.front.delay(SLOW_ANSWER_SECONDS, times=2)
    tab = visit.open()
    tab.record(3)
    visit.until(lambda: tab.stats()["acknowledged"] == 3, "the first answer is there")
    tab.record(3)
    visit.arrived()
    unchanged(visit)
    visit.check(abs(tab.stats()["offsetMs"] or 0) < WRONG_CLOCK_MS, "the clock counts as right")


@scenario("hardly a network", GROUP, source="facts: slow networks", subjects=OURS, options={**SOON, "batchSize": 500})
def hardly_a_network(visit: Visit) -> None:
    """Two kilobytes a second: a whole batch would take longer than an attempt may, so smaller ones are sent."""
    tab = visit.open(head=broken("noCompression"))
    visit.network.slow(latency_ms=200, kb_per_second=2)
    tab.record(120, padding=200)
    visit.until(lambda: tab.stats()["acknowledged"] > 0, "some of them are acknowledged", 150)
    visit.network.on()
    visit.arrived(patience=90)
