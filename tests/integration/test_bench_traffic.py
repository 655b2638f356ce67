"""The traffic that the benches measure latency with, against a real worker: nothing is lost or counted twice."""

import math
from collections import Counter

from bench.lib.expected import near
from bench.lib.follow import Follower
from bench.lib.traffic import Traffic, now_ms, sending
from tests.support.stack import Installation
from tests.support.wait import until

SECONDS = 60.0


def test_every_accepted_impression_of_the_traffic_is_followed(installation: Installation) -> None:
    installation.only_worker()
    follower = Follower(installation.settings)
    try:
        traffic = Traffic(rate=400.0, seconds=1.0, size=2, start_ms=now_ms())
        with sending(installation.settings, traffic) as sender:
            sent = sender.result()
        made = list(traffic.records())
        assert (sent.records, sent.impressions) == (len(made), 400)
        accepted = [seen for _, seen in near(made)]
        until(lambda: len(follower.accepted) >= len(accepted), SECONDS, "all accepted rows are read")
        # The catalogue lacks some of the traffic's artworks: a user who saw only such artworks has no coverage.
        until(lambda: len(follower.covered) > len(accepted) // 2, SECONDS, "coverage rows are read")
    finally:
        follower.close()
    assert len(follower.accepted) == len(accepted)
    assert len(follower.covered) + follower.uncovered == len(accepted)
    latencies = [*follower.accepted.latencies(0, math.inf), *follower.covered.latencies(0, math.inf)]
    assert min(latencies) >= 0
    assert Counter(follower.accepted.partition).keys() <= set(range(4))


def test_stopped_traffic_ends_early(installation: Installation) -> None:
    with sending(
        installation.settings, Traffic(rate=100.0, seconds=600.0, size=1, start_ms=now_ms(), seed=1)
    ) as sender:
        sent = sender.stop()
    assert sent.impressions < 60_000
