"""Coverage and unseen artworks are watched from when something was seen until the read API shows it."""

from pathlib import Path

import pytest

from load.users.watch import COVERAGE, MORE_THAN_ANY, UNSEEN, shown
from tests.support.collector_double import CollectorDouble, Fault
from tests.support.crowds import plan, play, verdict

BEHIND = 0.1


def test_the_times_until_something_is_shown(tmp_path: Path) -> None:
    double, of = CollectorDouble(shown_after=BEHIND), plan(tmp_path / "s", watched=5)
    ledger = play(double, of)
    assert verdict(double, of, ledger).right
    for what in (COVERAGE, UNSEEN):
        seen, acknowledged = ledger.watched[f"seen to {what}"], ledger.watched[f"acknowledged to {what}"]
        assert len(seen) == len(acknowledged) >= 5
        # It was stored just before the acknowledgement, and seen before that.
        assert min(acknowledged) > BEHIND / 2
        assert all(one > other for one, other in zip(sorted(seen), sorted(acknowledged), strict=True))
        assert len(ledger.watched[f"read of {what}"]) > len(seen), "it was not shown at the first look"
    assert ledger.happened["not shown in time"] == 0


def test_without_a_read_api_nothing_is_watched(tmp_path: Path) -> None:
    double, of = CollectorDouble(), plan(tmp_path / "s", watched=5)
    assert play(double, of).watched == {}


def test_lost_connections_end_no_watch(tmp_path: Path) -> None:
    double = CollectorDouble(lambda number: Fault.STORED_AND_RESET if number % 3 == 0 else Fault.NONE, shown_after=0.0)
    ledger = play(double, plan(tmp_path / "s", watched=20))
    assert len(ledger.watched["seen to coverage"]) >= 20


@pytest.mark.parametrize(
    ("what", "body", "expected"),
    [
        (COVERAGE, b'{"pools":[{"pool_id":"x","seen":9},{"pool_id":"main","seen":3}]}', 3),
        (COVERAGE, b'{"pools":[]}', 0),
        (UNSEEN, b'{"items":[{"artwork_id":"a00003","ordinal":3}],"next":null}', 3),
        (UNSEEN, b'{"items":[],"next":null}', MORE_THAN_ANY),
    ],
)
def test_what_an_answer_shows(what: str, body: bytes, expected: int) -> None:
    assert shown(what, body, "main") == expected
