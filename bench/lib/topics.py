"""What the bench does with topics and asks about them: size, length, content."""

import time
from collections.abc import Iterable, Iterator

import orjson
from confluent_kafka import KafkaException, Message, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec

from bench.lib.backlog import Seen
from bench.lib.expected import Output
from bench.lib.measure import used_by
from streams.embedded.kafka import broker
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.kafka.admin import admin, describe
from streams.kafka.names import COVERAGE
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.settings import Settings

ANSWER_SECONDS = 60.0
# A million records take seconds to read; if it takes this long, something hangs.
READ_SECONDS = 300.0
# A broker that uses less than this share of a core has nothing to do; an idle broker uses two to four percent.
QUIET_SHARE = 0.1
QUIET_SECONDS = 1.0


def create_topic(settings: Settings, name: str, partitions: int) -> None:
    """Create a topic, as a broker's operator does for an app. Raises KafkaException if it can't be created."""
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1)
    admin(settings.kafka_bootstrap).create_topics([topic])[name].result(ANSWER_SECONDS)


def delete_topics(settings: Settings, names: Iterable[str]) -> None:
    """Delete topics, so the broker has no more work with them. Raises KafkaException if it can't."""
    names = list(names)
    if names:
        for done in admin(settings.kafka_bootstrap).delete_topics(names).values():
            done.result(ANSWER_SECONDS)


def topic_names(settings: Settings) -> set[str]:
    """Return every topic's name. Raises KafkaException if the broker does not answer."""
    return set(admin(settings.kafka_bootstrap).list_topics(timeout=ANSWER_SECONDS).topics)


def topic_bytes(settings: Settings, names: Iterable[str]) -> int:
    """Return the topics' size on the broker's disk, compressed as they are."""
    data = broker.data_dir(RunFolder(settings.data_dir))
    return sum(path.stat().st_size for name in names for path in data.glob(f"{name}-[0-9]*/*.log"))


def wait_quiet(settings: Settings) -> None:
    """Wait, a minute at most, until the broker has nothing left to do: the next system doesn't pay for the last one."""
    deadline = time.monotonic() + ANSWER_SECONDS
    busy = True
    while busy and time.monotonic() < deadline:
        before = used_by(broker.NAME, settings).cpu_seconds
        time.sleep(QUIET_SECONDS)
        busy = used_by(broker.NAME, settings).cpu_seconds - before > QUIET_SHARE * QUIET_SECONDS


def ends(settings: Settings, topic: str) -> list[TopicPartition]:
    """Return the end offset of each partition. Raises KafkaException if the broker does not answer."""
    partitions = range(describe(settings, topic).partitions)
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    answers = admin(settings.kafka_bootstrap).list_offsets({TopicPartition(topic, each): latest for each in partitions})
    found = ((each.partition, answer.result(ANSWER_SECONDS).offset) for each, answer in answers.items())
    return [TopicPartition(topic, partition, offset) for partition, offset in found]


def written(settings: Settings, topic: str) -> int:
    """Return how many offsets of a topic are used."""
    return sum(end.offset for end in ends(settings, topic))


def wait_written(settings: Settings, topic: str) -> None:
    """Wait, a minute at most, until nothing more is added to a topic."""
    deadline = time.monotonic() + ANSWER_SECONDS
    before, now = -1, written(settings, topic)
    while now != before and time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)
        before, now = now, written(settings, topic)


def read(settings: Settings, topic: str) -> Output:
    """Read a topic of accepted impressions to its end: committed records, one per line, with the coverage they report.

    Raises UserError if the end isn't reached in time.
    """
    output = Output()
    for message in _messages(settings, topic):
        rows = output.partitions.setdefault(int(message.partition() or 0), [])
        for line in (message.value() or b"").split(b"\n"):
            row = orjson.loads(line)
            seen = Seen(int(row["user_id"][1:]), int(row["artwork_id"][1:]), row["seen_at"])
            rows.append(seen)
            if "seen" in row:
                output.coverage[seen.user] = row["seen"]
    return output


def read_coverage(settings: Settings) -> dict[int, int]:
    """Read each user's latest coverage. Raises as `read` does."""
    rows = (orjson.loads(message.value() or b"{}") for message in _messages(settings, COVERAGE))
    return {int(row["user_id"][1:]): row["seen"] for row in rows}


def _messages(settings: Settings, topic: str) -> Iterator[Message]:
    starts = [TopicPartition(topic, number, 0) for number in range(describe(settings, topic).partitions)]
    consumer = reader(settings, **{"fetch.queue.backoff.ms": 10}, **AT_ENDS)
    deadline = time.monotonic() + READ_SECONDS
    try:
        for records in to_ends(consumer, starts, 1_000, 1.0):
            yield from records
            if time.monotonic() > deadline:
                raise UserError(f"{topic} was not read to its end within {READ_SECONDS:.0f} s.")
    except KafkaException as error:
        raise UserError(f"{topic} can't be read: {error.args[0].str()}.") from error
    finally:
        consumer.close()
