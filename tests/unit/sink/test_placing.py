"""How a partition is placed beside live predecessors, broken tables, refusing brokers and lagging replicas."""

from collections.abc import Callable, Collection

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.kafka.names import ACCEPTED, ARTWORKS, LEDGER
from streams.metrics.catalogue import SINK
from streams.runtime.stall import Key
from streams.sink.consumer import Broker, Ends
from streams.sink.feeds import FEEDS, Feed
from streams.sink.partition import AssignedPartition
from streams.sink.placing import Placing
from streams.sink.position import Committed, Held
from streams.sink.records import Record
from streams.sink.writer import CatalogueRow, InsertError, UnavailableError, Writer

ID = "log-1"


class FakeConsumer(Consumer):
    """Notes where reading starts."""

    def __init__(self) -> None:
        super().__init__({"group.id": "test"})
        self.starts: dict[Key, int] = {}

    def seek(self, partition: TopicPartition) -> None:
        self.starts[partition.topic, partition.partition] = partition.offset

    def resume(self, partitions: list[TopicPartition]) -> None:
        assert {(tp.topic, tp.partition) for tp in partitions} <= self.starts.keys()


class World(Broker, Writer):
    """A broker and a ClickHouse. `meanwhile` is called after each answer, for what others do."""

    def __init__(self, held: Held, committed: Committed | None, low: int, high: int) -> None:
        self.now_held, self.now_committed, self.low, self.high = held, committed, low, high
        self.meanwhile: Callable[[], None] = lambda: None
        self.broken: dict[Key, KafkaError] = {}
        self.rows: list[CatalogueRow] = []

    def topic_id(self, topic: str) -> str:
        self.meanwhile()
        return ID

    def held(self, feed: Feed, topic_id: str, partitions: Collection[int]) -> dict[int, Held]:
        found = dict.fromkeys(partitions, self.now_held)
        self.meanwhile()
        return found

    def committed(self, keys: Collection[Key]) -> dict[Key, Committed]:
        found = dict.fromkeys(keys, self.now_committed) if self.now_committed else {}
        self.meanwhile()
        return found

    def ends(self, keys: Collection[Key]) -> dict[Key, Ends | KafkaException]:
        found: dict[Key, Ends | KafkaException] = dict.fromkeys(keys, Ends(self.low, self.high))
        self.meanwhile()
        return found | {key: KafkaException(error) for key, error in self.broken.items()}

    def catalogue(self, topic_id: str) -> list[CatalogueRow]:
        return self.rows


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


def assigned(topic: str = LEDGER, partition: int = 7) -> AssignedPartition:
    return AssignedPartition(FEEDS[topic], partition)


def place(consumer: FakeConsumer, world: World, *partitions: AssignedPartition) -> list[TopicPartition] | None:
    return Placing(consumer, world, world).place(list(partitions))


def metric(name: str, partition: AssignedPartition) -> float | None:
    topic, number = partition.labels
    return SINK.get_sample_value(name, {"topic": topic, "partition": number})


def lost(partition: AssignedPartition) -> float:
    return metric("impressions_sink_lost_offsets_total", partition) or 0.0


def test_a_live_predecessor_makes_no_loss(consumer: FakeConsumer) -> None:
    """It goes on reading, inserting and committing between any two of our questions."""
    world, partition = World(Held(49), Committed(50, ID), 0, 60), assigned()

    def goes_on() -> None:
        world.high += 20
        world.now_held = Held(world.high - 1)
        world.now_committed = Committed(world.high, ID)

    world.meanwhile = goes_on
    place(consumer, world, partition)
    assert partition.ready
    assert lost(partition) == 0
    # What the predecessor writes meanwhile is written again, with the same identities.
    assert consumer.starts[partition.key] == 80


def test_rows_that_lag_the_commit_are_read_again(consumer: FakeConsumer) -> None:
    world, partition = World(Held(59, 50, (50, 20)), Committed(60, ID), 10, 60), assigned(ACCEPTED)
    moved = place(consumer, world, partition)
    assert consumer.starts == {partition.key: 21}
    assert moved is not None
    assert [(tp.offset, tp.metadata) for tp in moved] == [(21, ID)]
    assert lost(partition) == 0


def test_a_commit_that_says_the_same_is_not_repeated(consumer: FakeConsumer) -> None:
    assert place(consumer, World(Held(59), Committed(60, ID), 0, 60), assigned()) == []


def test_rows_that_are_gone_for_ever_refuse_their_partition_until_they_are_back(
    consumer: FakeConsumer, capfd: pytest.CaptureFixture[str]
) -> None:
    world, partition = World(Held(19), Committed(60, ID), 40, 60), assigned()
    for _ in range(3):
        assert place(consumer, world, partition) == []
    assert consumer.starts == {}
    assert (partition.ready, partition.to_place, partition.work(False, 0).waits) == (False, True, True)
    assert metric("impressions_sink_partition_refused", partition) == 1
    assert "rows from offset 20 on are gone" in partition.refused
    assert "".join(capfd.readouterr()).count("partition_refused") == 1
    world.now_held = Held(59)
    place(consumer, world, partition)
    assert consumer.starts == {partition.key: 60}
    assert partition.ready
    assert metric("impressions_sink_partition_refused", partition) == 0


def test_a_partition_without_a_leader_does_not_stop_the_others(consumer: FakeConsumer) -> None:
    world, well, broken = World(Held(9), None, 0, 10), assigned(partition=1), assigned(partition=2)
    world.broken[broken.key] = KafkaError(KafkaError.LEADER_NOT_AVAILABLE)
    place(consumer, world, broken, well)
    assert (well.ready, broken.ready, broken.refused) == (True, False, "")
    assert broken.backoff.failing


def test_a_partition_that_kafka_refuses_says_so(consumer: FakeConsumer) -> None:
    world, well, refused = World(Held(9), None, 0, 10), assigned(partition=1), assigned(partition=2)
    world.broken[refused.key] = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    place(consumer, world, refused, well)
    assert well.ready
    assert refused.refused.startswith("Kafka refuses: ")
    world.broken.clear()
    place(consumer, world, refused)
    assert refused.ready


def test_a_broker_that_does_not_answer_is_asked_again(consumer: FakeConsumer) -> None:
    world, partition = World(Held(9), None, 0, 10), assigned()

    def fails() -> None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    world.meanwhile = fails
    assert place(consumer, world, partition) is None
    assert (partition.backoff.failing, partition.refused) == (True, "")


def test_a_table_that_is_missing_is_its_topics_trouble(consumer: FakeConsumer) -> None:
    world = World(Held(9), None, 0, 10)

    def fails() -> None:
        raise InsertError("60", "no such table")

    world.meanwhile = fails
    with pytest.raises(InsertError):
        place(consumer, world, assigned())


def test_a_catalogue_of_a_replica_that_lags_is_not_used(consumer: FakeConsumer) -> None:
    """With ordinals missing, a record that uses one of them again would be accepted."""
    world, partition = World(Held(5), None, 0, 10), assigned(ARTWORKS, 0)
    row = CatalogueRow("a1", "main", 1, False, False, 4)
    for rows in ([], [row]):
        world.rows = rows
        with pytest.raises(UnavailableError):
            place(consumer, world, partition)
    world.rows = [row, row._replace(offset=5)]
    place(consumer, world, partition)
    assert partition.ready


def test_refused_artworks_before_the_commit_are_not_counted_again(consumer: FakeConsumer) -> None:
    def refused() -> float:
        return SINK.get_sample_value("impressions_sink_refused_artworks_total") or 0.0

    world, partition = World(Held(None), Committed(2, ID), 0, 3), assigned(ARTWORKS, 0)
    place(consumer, world, partition)
    before = refused()
    for offset in range(3):
        partition.add(Record(offset, 0, b"a1", b"nothing"), 0.0)
    assert partition.block().parts == ()
    assert refused() == before + 1


def test_what_a_person_gave_up_stays_given_up(consumer: FakeConsumer) -> None:
    world, partition = World(Held(19), Committed(50, ""), 40, 60), assigned()
    moved = place(consumer, world, partition)
    assert consumer.starts == {partition.key: 50}
    assert moved is not None
    assert (moved[0].offset, moved[0].metadata) == (50, f"{ID} 50")
    world.now_committed = Committed.read(moved[0].offset, moved[0].metadata)
    again = assigned()
    assert place(consumer, world, again) == []
    assert (again.ready, again.next_offset) == (True, 50)
