"""The reads as a whole, with a ClickHouse that a test answers for: what is asked when, and what is known without it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import pytest

from streams.collector.reads import known
from streams.collector.reads.errors import AwayError, BehindError
from streams.collector.reads.loading import Clocks
from streams.collector.reads.rows import Row
from streams.collector.reads.service import Reads
from streams.collector.reads.statements import NEWEST, PAGE, SEEN
from streams.collector.reads.timeline import MOST
from streams.settings import Settings
from tests.support.reads import NOW, row, turn

PARTITIONS = 4


class Told:
    """Reads without servers: `rows` are ClickHouse's, `why` says what the tail lacks, `away` what ClickHouse does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        self.now = 1_000_000.0
        self.reads = Reads(Settings(**settings), Clocks(lambda: NOW + 1_000, lambda: self.now))
        self.rows: list[Row] = []
        self.asked: list[str] = []
        self.why = self.away = ""
        self.held: asyncio.Event | None = None
        following = self.reads._following
        monkeypatch.setattr(following, "why_not_current", lambda: self.why or None)
        monkeypatch.setattr(self.reads._pool, "ask", self.ask)
        for number in range(500):
            following.catalogue.put(f"a{number}", "main", number, False)
        self.tail = following.tail
        self.begin()

    def begin(self) -> None:
        """The tail begins, as after a failure."""
        self.reads._following.epoch += 1
        self.tail.begin(dict.fromkeys(range(PARTITIONS), 0))
        self.reads._anew(PARTITIONS)

    async def ask(
        self, statement: str, parameters: Mapping[str, str], seconds: float | None = None, costly: bool = False
    ) -> bytes:
        assert costly is (statement == PAGE)
        self.asked.append({SEEN: "seen", NEWEST: "newest", PAGE: "page"}[statement])
        rows = list(self.rows)
        if self.held is not None:
            await self.held.wait()
        if self.away:
            raise AwayError(self.away)
        return _answer(statement, parameters, rows)


def _answer(statement: str, parameters: Mapping[str, str], rows: list[Row]) -> bytes:
    if statement == SEEN:
        mine = [each for each in rows if f"'{each.user_id}'" in parameters["users"]]
        return b"".join(
            orjson.dumps([each.user_id, [each.artwork_id], [each.received_at], []]) + b"\n" for each in mine
        )
    if statement == NEWEST:
        found = [each for each in rows if f"'{each.user_id}'" in parameters["users"]]
    else:
        key = int(parameters["seen_at"]), parameters["event"]
        found = [each for each in rows if each.user_id == parameters["user"] and each.key < key]
    found = sorted(found, key=lambda each: each.key, reverse=True)[: int(parameters["most"])]
    fields = ("event_id", "user_id", "artwork_id", "pool_id", "seen_at", "received_at", "surface", "fresh")
    return b"".join(orjson.dumps([getattr(each, name) for name in fields]) + b"\n" for each in found)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        await test()

    asyncio.run(within())


def test_clickhouse_is_asked_once_for_a_user(told: Told) -> None:
    async def test() -> None:
        told.rows = [row("u1", 1)]
        for offset, number in enumerate((1, 2, 2, 3)):
            assert [pool.seen for pool in (await told.reads.coverage("u1")).pools] == [(1, 1, 2, 2)[offset]]
            assert (await told.reads.unseen("u1", "main", 0, 1))[0][0] == "a0"
            told.tail.append(0, offset, [row("u1", number)])
        assert await told.reads.unseen("u2", "main", 0, 2) == [("a0", 0), ("a1", 1)]
        assert told.asked == ["seen", "seen"]

    run(test)


def test_of_a_tail_that_is_behind_only_what_was_known_of_coverage_is_told(told: Told) -> None:
    async def test() -> None:
        told.rows = [row("u1", 1)]
        assert not (await told.reads.coverage("u1")).stale
        told.why = "it is behind"
        found = await told.reads.coverage("u1")
        assert (found.stale, found.as_of, found.pools[0].seen) == (True, NOW + 1_000, 1)
        for answer in (
            told.reads.unseen("u1", "main", 0, 1),
            told.reads.history("u1", None, 1),
            told.reads.coverage("u2"),
        ):
            with pytest.raises(BehindError, match="it is behind"):
                await answer

    run(test)


def test_while_clickhouse_is_away_who_is_known_is_answered(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        told.rows = [row("u1", 1)]
        await told.reads.coverage("u1")
        told.away = "it is away"
        told.tail.append(0, 0, [row("u1", 2)])
        found = await told.reads.coverage("u1")
        assert (found.stale, found.pools[0].seen) == (False, 2)
        with pytest.raises(AwayError, match="it is away"):
            await told.reads.coverage("u2")
        monkeypatch.setattr(known, "RENEW_SECONDS", -1.0)
        found = await told.reads.coverage("u1")
        assert (found.stale, found.pools[0].seen) == (True, 2)
        with pytest.raises(AwayError, match="it is away"):
            await told.reads.unseen("u1", "main", 0, 1)

    run(test)


def test_a_history_is_read_from_memory_and_further_down_from_clickhouse_and_the_tail(told: Told) -> None:
    async def test() -> None:
        told.rows = [row("u1", n) for n in range(300)]
        told.tail.append(0, 0, [row("u1", 300), row("u1", 150, event_id="f" * 32)])
        expected = sorted([*told.rows, *told.tail.of("u1")], key=lambda each: each.key, reverse=True)
        assert await told.reads.history("u1", None, 51) == expected[:51]
        assert await told.reads.history("u1", expected[49].key, 51) == expected[50:101]
        assert told.asked == ["newest"]
        assert await told.reads.history("u1", expected[99].key, 101) == expected[100:201]
        assert await told.reads.history("u1", None, 501) == expected
        assert told.asked == ["newest", "page", "page"]
        assert len(expected) > 2 * MOST

    run(test)


def test_one_page_of_a_user_is_asked_for_at_a_time(told: Told) -> None:
    async def test() -> None:
        told.held = asyncio.Event()
        pages = [asyncio.ensure_future(told.reads.history(user_id, None, 500)) for user_id in ("u1", "u1", "u2")]
        await turn()
        assert told.asked == ["page", "page"]
        told.held.set()
        assert await asyncio.gather(*pages) == [[], [], []]
        assert told.asked == ["page"] * 3

    run(test)


@pytest.mark.parametrize("most", [10, 500])
def test_an_answer_from_before_the_tail_began_anew_is_none(told: Told, most: int) -> None:
    async def test() -> None:
        told.held = asyncio.Event()
        answer = asyncio.ensure_future(told.reads.history("u1", None, most))
        await turn()
        told.begin()
        told.held.set()
        with pytest.raises(BehindError, match="begun anew"):
            await answer

    run(test)


def test_nobody_waits_for_longer_than_the_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        told = Told(monkeypatch, reads_timeout_seconds=0.1)
        told.held = asyncio.Event()
        with pytest.raises(AwayError, match="no answer in time"):
            await told.reads.unseen("u1", "main", 0, 1)
        told.held.set()
        await turn()
        # It came too late for who asked, and in time for who asks now.
        assert await told.reads.unseen("u1", "main", 0, 1) == [("a0", 0)]
        assert told.asked == ["seen"]

    run(test)


def test_a_version_lasts_until_an_answer_may_be_another(told: Told) -> None:
    reads = told.reads
    versions = [reads.version("u1")]
    assert reads.version("u1") == versions[0]

    def changed(what: str) -> None:
        version = reads.version("u1")
        assert version not in versions, what
        versions.append(version)

    told.tail.append(0, 0, [row("u1", 1)])
    changed("a row")
    reads._following.catalogue.put("a7", "main", 7, True)
    changed("the catalogue")
    reads.forget("u1")
    changed("it was forgotten")
    told.begin()
    changed("the tail began anew")
    told.now += 2 * known.RENEW_SECONDS
    changed("users are asked for again")
    assert Reads(Settings()).version("u1") not in versions
