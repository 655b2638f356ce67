"""Coverage and unseen artworks are watched from when something was seen until the read API shows it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from load.users.connection import Connection, Target
from load.users.ledger import Ledger
from load.users.watch import COVERAGE, GIVEN_UP_SECONDS, MORE_THAN_ANY, UNSEEN, Sight, Watcher, shown
from tests.support.collector_double import CollectorDouble, Fault
from tests.support.crowds import plan, play, verdict

HIDDEN = 3
USER = "u-00000"


@dataclass
class Reads:
    """A read API in this process: each answer takes `seconds` of its own clock, and the first `hidden` show nothing."""

    seconds: float
    hidden: int
    now: float = 100.0
    asked: list[str] = field(default_factory=list)

    def answer(self, what: str) -> bytes:
        """Answer, and let the clock go on."""
        self.now += self.seconds
        self.asked.append(what)
        seen = int(self.asked.count(what) > self.hidden)
        bodies = {
            COVERAGE: b'{"pools":[{"pool_id":"main","seen":%d}]}' % seen,
            UNSEEN: b'{"items":[{"artwork_id":"a%05d","ordinal":%d}],"next":null}' % (seen, seen),
        }
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(bodies[what]), bodies[what])


class Wire(asyncio.Transport):
    """Answers a request while it is written."""

    def __init__(self, connection: Connection, reads: Reads) -> None:
        super().__init__()
        self._connection, self._reads = connection, reads

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        path = bytes(data).split()[1].decode()
        self._connection.data_received(self._reads.answer(path.partition("?")[0].rpartition("/")[2]))

    def abort(self) -> None:
        self._connection.connection_lost(None)


@dataclass(frozen=True)
class Wired(Target):
    """Leads to the reads without a network."""

    reads: Reads | None = None

    async def connect(self, make: Callable[[], Connection]) -> Connection:
        assert self.reads is not None
        connection = make()
        connection.connection_made(Wire(connection, self.reads))
        return connection


def watched(reads: Reads, of: Sight) -> Ledger:
    """Watch for one thing to its end."""
    ledger = Ledger()

    async def watch() -> None:
        watcher = Watcher(plan(Path("nowhere"), watched=1), ledger, Wired("here", reads=reads), lambda: reads.now)
        await watcher.look_for()
        watcher.watch(of)
        await watcher.finish()

    asyncio.run(watch())
    return ledger


def test_the_times_until_something_is_shown() -> None:
    # The first read of coverage finds out whether there is a read API.
    ledger = watched(Reads(seconds=0.25, hidden=2), Sight(USER, 1, seen=98.0, acknowledged=99.0))
    assert ledger.watched == {
        "read of coverage": [0.25, 0.25],
        "read of unseen": [0.25, 0.25, 0.25],
        "seen to coverage": [3.0],
        "acknowledged to coverage": [2.0],
        "seen to unseen": [3.5],
        "acknowledged to unseen": [2.5],
    }
    assert ledger.happened["not shown in time"] == 0


def test_what_is_never_shown_is_given_up_and_counted() -> None:
    reads = Reads(seconds=GIVEN_UP_SECONDS / 4, hidden=1_000)
    ledger = watched(reads, Sight(USER, 1, seen=99.0, acknowledged=100.0))
    assert ledger.happened["not shown in time"] == 2
    assert set(ledger.watched) == {"read of coverage", "read of unseen"}


def test_a_crowds_users_are_watched_until_they_are_shown_what_they_saw(tmp_path: Path) -> None:
    double, of = CollectorDouble(hidden_reads=HIDDEN), plan(tmp_path / "s", watched=5)
    ledger = play(double, of)
    assert verdict(double, of, ledger).right
    for what in (COVERAGE, UNSEEN):
        seen, acknowledged = ledger.watched[f"seen to {what}"], ledger.watched[f"acknowledged to {what}"]
        assert len(seen) == len(acknowledged) >= 5
        # What is seen is acknowledged afterwards.
        assert all(one > other for one, other in zip(sorted(seen), sorted(acknowledged), strict=True))
        assert len(ledger.watched[f"read of {what}"]) > len(seen), "it was not shown at the first look"
    assert ledger.happened["not shown in time"] == 0


def test_without_a_read_api_nothing_is_watched(tmp_path: Path) -> None:
    double, of = CollectorDouble(), plan(tmp_path / "s", watched=5)
    assert play(double, of).watched == {}


def test_lost_connections_end_no_watch(tmp_path: Path) -> None:
    double = CollectorDouble(lambda number: Fault.STORED_AND_RESET if number % 3 == 0 else Fault.NONE, hidden_reads=0)
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
