"""What is known of one user, where the property test doesn't go: size, and the hour as it moves."""

from streams.collector.reads.seen import HOUR_MS, Seen, SeenRows
from streams.core.catalogue import Catalogue
from tests.support.flushes import catalogue_of
from tests.support.reads import NOW, row


def test_the_hour_before_the_query_moves_with_the_query() -> None:
    seen = Seen(catalogue_of(a1={"pool_id": "main", "ordinal": 1}))
    seen.merge(SeenRows([("a1", NOW)], [("e1", NOW - HOUR_MS + 1, "a1"), ("e2", NOW + 10, "a1")]))
    assert [seen.coverage(at)[0].impressions_1h for at in (NOW, NOW + 1, NOW + 10)] == [1, 0, 1]
    assert seen.coverage(NOW + 10 + HOUR_MS)[0].impressions_1h == 0


def test_events_of_earlier_hours_take_no_memory() -> None:
    seen = Seen(Catalogue())
    for number in range(10_000):
        seen.add(row("u1", number, fresh=False, received_at=NOW + number * 60_000, seen_at=NOW + number * 60_000))
    assert seen.bytes < 300_000


def test_unseen_artworks_are_paged_by_ordinal() -> None:
    catalogue = Catalogue()
    for ordinal in range(3_000):
        catalogue.put(f"a{ordinal}", "main", ordinal, False)
    seen = Seen(catalogue)
    seen.merge(SeenRows([(f"a{n}", NOW) for n in range(0, 3_000, 2)]))
    assert seen.unseen("main", 2_990, 3) == [("a2991", 2_991), ("a2993", 2_993), ("a2995", 2_995)]
    assert seen.unseen("main", 2_999, 3) == [("a2999", 2_999)]
    assert seen.unseen("main", 3_000, 3) == []
    assert seen.unseen("main", (1 << 32) - 1, 3) == []
    assert seen.unseen("other", 0, 3) == []
