"""The read API on real parts: broker, worker, sink, engine and HTTP. Answers are what the log says, at any moment."""

from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest

from streams.collector.reads import known
from streams.core.partitioner import partition_of
from streams.kafka.admin import describe, watermarks
from streams.kafka.names import ACCEPTED, ARTWORKS
from streams.settings import Settings
from tests.support.load import at_home, flush, impression, now_ms
from tests.support.reads_server import serving
from tests.support.rows import T0, accepted
from tests.support.sink import SinkProcess, joined, produce_artworks
from tests.support.sink_stack import PARTITIONS, SinkStack
from tests.support.stack import POOL, Installation
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 60.0
names = count()


def name() -> str:
    """A user of one test."""
    return f"reader-{next(names)}"


def seen(client: httpx.Client, user_id: str, pool_id: str) -> int:
    """How many artworks of a pool a user has seen; 0 while it can't be told."""
    pools = client.get(f"{user_id}/coverage", params={"pool": pool_id}).json().get("pools", [])
    return sum(int(each["seen"]) for each in pools)


def unseen(client: httpx.Client, user_id: str, pool_id: str, limit: int = 50) -> list[str]:
    """All that a user has not seen of a pool, page by page."""
    found, cursor = [], ""
    while cursor is not None:
        parameters = {"pool": pool_id, "limit": str(limit), **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{user_id}/unseen", params=parameters).raise_for_status().json()
        found += [item["artwork_id"] for item in page["items"]]
        cursor = page["next"]
    return found


def history(client: httpx.Client, user_id: str, limit: int = 50) -> list[dict[str, Any]]:
    """A user's whole history, page by page."""
    found, cursor = [], ""
    while cursor is not None:
        parameters = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
        page = client.get(f"{user_id}/history", params=parameters).raise_for_status().json()
        found += page["items"]
        cursor = page["next"]
    return found


@pytest.fixture
def sink_settings(installation: Installation) -> Settings:
    return installation.settings.model_copy(update={"sink_flush_seconds": 0.1})


def test_answers_are_of_the_log_before_clickhouse_has_it_and_after(
    installation: Installation, sink_settings: Settings
) -> None:
    installation.only_worker()
    user, stranger, at = name(), name(), now_ms()
    shown = [impression(f"a{n:04d}", at - n * 1000, surface="gallery") for n in range(120)]
    again = impression("a0000", at - 3_600_000 * 2)
    everything = {f"a{n:04d}" for n in range(200)}
    with serving(installation.settings) as (server, client):
        assert (seen(client, user, POOL), history(client, user)) == (0, [])
        assert set(unseen(client, user, POOL)) >= everything
        installation.produce([at_home(user, flush(user, shown)), at_home(user, flush(user, [again]))])
        # No sink runs: the answers are the tail's.
        until(lambda: len(history(client, user, 500)) == 121, SECONDS, "the history shows them")
        before = answers(client, user)
        assert before["seen"] == 120
        assert not before["unseen"] & {each["artwork_id"] for each in shown}
        assert [item["seen_at"] for item in before["history"]] == sorted(
            (each["seen_at"] for each in (*shown, again)), reverse=True
        )
        assert [item["fresh"] for item in before["history"]].count(False) == 1
        assert before["recent"] == 120
        with SinkProcess(sink_settings, sink_settings.data_dir):
            assert server.reads is not None
            reads = server.reads
            until(lambda: reads.waiting_rows == 0, SECONDS, "ClickHouse has all of the tail's rows")
            assert answers(client, user) == before
            assert answers(client, stranger)["history"] == []
            # A collector that starts now has nothing but ClickHouse's.
            with serving(installation.settings) as (_, other):
                assert answers(other, user) == before
                assert history(other, user, 7) == before["history"]
                assert unseen(other, user, POOL, 33) == unseen(client, user, POOL, 500)
                more = impression("a0150", now_ms(), pool_id=POOL)
                installation.produce([at_home(user, flush(user, [more]))])
                for each in (client, other):
                    until(partial(shows, each, user, 121), SECONDS, "both show one more")
                    assert history(each, user)[0]["artwork_id"] == "a0150"
                    assert "a0150" not in unseen(each, user, POOL)


def shows(client: httpx.Client, user_id: str, count: int) -> bool:
    return seen(client, user_id, POOL) == count


def answers(client: httpx.Client, user_id: str) -> dict[str, Any]:
    """What a user's answers say, apart from what a clock moves."""
    (main,) = client.get(f"{user_id}/coverage", params={"pool": POOL}).raise_for_status().json()["pools"] or [{}]
    return {
        "seen": main.get("seen"),
        "recent": main.get("impressions_1h"),
        "updated_at": main.get("updated_at"),
        "unseen": set(unseen(client, user_id, POOL)),
        "history": history(client, user_id),
    }


def test_an_unchanged_answer_is_not_sent_again_until_an_impression_is_accepted(installation: Installation) -> None:
    installation.only_worker()
    user = name()
    with serving(installation.settings) as (_, client):
        first = client.get(f"{user}/unseen", params={"pool": POOL}).raise_for_status()
        headers = {"if-none-match": first.headers["etag"]}

        def again() -> httpx.Response:
            return client.get(f"{user}/unseen", params={"pool": POOL}, headers=headers)

        assert again().status_code == 304
        installation.produce([at_home(user, flush(user, [impression("a0000", now_ms())]))])
        until(lambda: again().status_code == 200, SECONDS, "the answer is another one")
        assert again().json()["items"][0]["artwork_id"] == "a0001"


class Shop:
    """A pool of the test's own on the sink's stack, and users who look at it."""

    def __init__(self, stack: SinkStack, pool_id: str, ordinal: int) -> None:
        self.stack, self.pool_id = stack, pool_id
        self.artworks = [f"{pool_id}-{n}" for n in range(5)]
        records = [(each, {"pool_id": pool_id, "ordinal": ordinal + n}) for n, each in enumerate(self.artworks)]
        produce_artworks(stack.settings, ARTWORKS, records)

    def record(self, user_id: str, *numbers: int) -> tuple[str, int, bytes]:
        """A record in which a user sees artworks."""
        partition, at = partition_of(user_id, PARTITIONS), now_ms()
        offset = next(self.stack.offset)
        rows = [
            accepted(user_id, self.artworks[n], at + n, offset, partition, event_id=f"{user_id}-{n}", idx=i)
            for i, n in enumerate(numbers)
        ]
        return ACCEPTED, partition, joined(rows)


@pytest.fixture
def shop(stack: SinkStack) -> Shop:
    """ClickHouse has the log up to where it ends now: what other tests left in it is none of this test's."""
    topic_id = describe(stack.settings, ACCEPTED).topic_id
    for partition in range(PARTITIONS):
        _, end = watermarks(stack.settings, ACCEPTED, partition)
        if end:
            stack.db.put.accepted(accepted("nobody", "none", T0, end - 1, partition, kafka_topic_id=topic_id))
    number = next(names)
    return Shop(stack, f"shop-{number}", 1_000_000 + 100 * number)


def test_only_what_is_committed_is_seen(shop: Shop) -> None:
    user = name()
    with serving(shop.stack.settings) as (_, client):
        shop.stack.feeder.abort(shop.record(user, 0, 1))
        shop.stack.feeder.commit(shop.record(user, 2))
        until(lambda: history(client, user), SECONDS, "the committed one is there")
        assert [item["artwork_id"] for item in history(client, user)] == [shop.artworks[2]]
        assert unseen(client, user, shop.pool_id) == [shop.artworks[n] for n in (0, 1, 3, 4)]
        # A record of the catalogue counts within moments, too.
        produce_artworks(shop.stack.settings, ARTWORKS, [(shop.artworks[0], None)])
        rest = [shop.artworks[n] for n in (1, 3, 4)]
        until(lambda: unseen(client, user, shop.pool_id) == rest, SECONDS, "a retired artwork is no more shown")


def test_while_clickhouse_hangs_who_is_known_is_answered_and_nobody_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, stranger = name(), name()
    settings = shop.stack.settings.model_copy(update={"reads_timeout_seconds": 0.5})
    with serving(settings) as (_, client):
        shop.stack.feeder.commit(shop.record(user, 0))
        until(lambda: seen(client, user, shop.pool_id) == 1, SECONDS, "the first one is seen")
        with shop.stack.engine.hanging():
            shop.stack.feeder.commit(shop.record(user, 1))
            # They are in memory, and the log keeps them exact.
            until(lambda: seen(client, user, shop.pool_id) == 2, SECONDS, "the second one is seen")
            assert unseen(client, user, shop.pool_id) == shop.artworks[2:]
            for call in ("coverage", f"unseen?pool={shop.pool_id}", "history"):
                refused = client.get(f"{stranger}/{call}")
                assert (refused.status_code, refused.json()["status"]) == (503, 503)
                assert 1 <= int(refused.headers["retry-after"]) <= 3
            # As if they had been read long ago.
            monkeypatch.setattr(known, "RENEW_SECONDS", -1.0)
            answer = client.get(f"{user}/coverage")
            assert answer.status_code == 200
            assert answer.json()["stale"] is True
            assert answer.json()["as_of"] <= now_ms()
            assert [each["seen"] for each in answer.json()["pools"]] == [2]
            assert client.get(f"{user}/unseen", params={"pool": shop.pool_id}).status_code == 503
        until(lambda: "stale" not in client.get(f"{user}/coverage").json(), SECONDS, "ClickHouse answers again")
        assert unseen(client, stranger, shop.pool_id) == shop.artworks


def test_without_clickhouse_it_starts_and_answers_once_there_is_one(shop: Shop) -> None:
    user = name()
    shop.stack.feeder.commit(shop.record(user, 0))
    shop.stack.engine.stop()
    with serving(shop.stack.settings, current=False) as (server, client):
        assert client.get(f"{user}/coverage").status_code == 503
        shop.stack.engine.start()
        until(lambda: server.current, SECONDS, "the reads are current")
        assert seen(client, user, shop.pool_id) == 1


def test_a_tail_without_room_answers_nothing_until_clickhouse_has_more(shop: Shop) -> None:
    user, settings = name(), shop.stack.settings.model_copy(update={"reads_tail_mib": 1})
    with serving(settings) as (server, client):
        partition, at = partition_of(user, PARTITIONS), now_ms()
        rows = [accepted(user, f"b{n}", at + n, 0, partition, event_id=f"b{n}") for n in range(2_000)]
        shop.stack.feeder.commit((ACCEPTED, partition, joined(rows)), shop.record(user, 1))
        until(lambda: not server.current, SECONDS, "there is no room")
        refused = client.get(f"{user}/history")
        assert refused.status_code == 503
        assert "more of the log than fits in memory" in refused.json()["detail"]
        with shop.stack.sink():
            until(lambda: server.current, SECONDS, "ClickHouse has what didn't fit")
            assert seen(client, user, shop.pool_id) == 1
            assert len(history(client, user, 500)) == 2_001
