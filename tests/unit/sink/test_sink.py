"""The sink's loop, where it must go on or end although a server doesn't answer."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streams.errors import FencedError, Kind
from streams.kafka.names import LEDGER
from streams.kafka.topic_ids import Sources
from streams.metrics.catalogue import SINK
from streams.settings import Settings
from streams.sink import observe
from streams.sink import sink as module
from streams.sink.partition import AssignedPartition
from streams.sink.placing import Placing
from streams.sink.position import Start
from streams.sink.read_rows import parser
from streams.sink.sink import Sink
from streams.sink.writer import InsertError

SECONDS = 30.0
PARTITION = TopicPartition(LEDGER, 1)


class FakeConsumer(Consumer):
    """Assigned one partition at once; commits are never answered. `on_poll` is called by each poll but the first."""

    def __init__(self, on_error: Callable[[KafkaError], None]) -> None:
        super().__init__({"group.id": "test"})
        self.on_error = on_error
        self.on_poll: Callable[[], Any] = lambda: None
        self.commits: list[list[TopicPartition]] = []
        self.assign_: Callable[[], None] | None = None
        self.never = threading.Event()
        self.closing = threading.Event()

    def subscribe(self, topics: list[str], on_assign: Any, **_: Any) -> None:  # type: ignore[override]
        self.assign_ = lambda: on_assign(self, [PARTITION])

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        if self.assign_ is not None:
            self.assign_()
            self.assign_ = None
        else:
            self.on_poll()
        return []

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:  # type: ignore[override]
        assert asynchronous, "a synchronous commit never returns once this member is fenced"
        self.commits.append(offsets)

    def close(self) -> None:
        self.closing.set()
        self.never.wait()

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        pass

    def pause(self, partitions: list[TopicPartition]) -> None:
        pass

    def resume(self, partitions: list[TopicPartition]) -> None:
        pass

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        return 0, 0


class FakePlacing(Placing):
    """Places every partition at offset 5, or fails with `failure`."""

    def __init__(self, failure: InsertError | None = None) -> None:
        self.failure = failure

    def place(self, partitions: list[AssignedPartition]) -> list[TopicPartition]:
        if self.failure is not None:
            raise self.failure
        for each in partitions:
            each.place("log-1", Start(5), parser(LEDGER))
        return [each.commit_at(5) for each in partitions]


class NoSources(Sources):
    """Confirms everything."""

    def __init__(self) -> None:
        pass

    def check(self, since: float) -> bool:
        return True


class Running:
    """A sink that runs in a thread, and how it ended."""

    def __init__(self, placing: FakePlacing, monkeypatch: pytest.MonkeyPatch) -> None:
        observe.forget((LEDGER, "1"))
        made: list[FakeConsumer] = []

        def connect(_settings: Settings, _index: int, on_error: Callable[[KafkaError], None], _answer: Any) -> Consumer:
            made.append(FakeConsumer(on_error))
            return made[0]

        monkeypatch.setattr(module, "connect", connect)
        monkeypatch.setattr(module, "LAST_COMMIT_SECONDS", 0.05)
        monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
        self.sink = Sink(Settings(), 0, NoSources())
        self.sink._placing = placing
        self.consumer = made[0]
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def _run(self) -> None:
        try:
            self.sink.run()
        except BaseException as error:
            self.error = error

    def ended(self) -> bool:
        self.thread.join(SECONDS)
        return not self.thread.is_alive()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def make(failure: InsertError | None = None) -> Running:
        made.append(Running(FakePlacing(failure), monkeypatch))
        return made[-1]

    yield make
    for each in made:
        each.sink.stop()
        each.consumer.never.set()


def test_a_sink_that_is_fenced_while_a_commit_is_in_flight_ends(running: Callable[..., Running]) -> None:
    run = running()
    fenced = KafkaError(KafkaError._FATAL, KafkaError(KafkaError.FENCED_INSTANCE_ID).str(), fatal=True)

    def on_poll() -> None:
        if run.consumer.commits:
            run.consumer.on_error(fenced)

    run.consumer.on_poll = on_poll
    run.start()
    assert run.ended()
    assert isinstance(run.error, FencedError)
    assert [tp.offset for tp in run.consumer.commits[0]] == [5]
    # Closing a consumer that was fenced may take for ever.
    assert not run.consumer.closing.is_set()


def test_a_sink_that_is_stopped_waits_neither_for_a_commit_nor_for_the_group_for_ever(
    running: Callable[..., Running],
) -> None:
    run = running()

    def on_poll() -> None:
        if run.consumer.commits:
            run.sink.stop()

    run.consumer.on_poll = on_poll
    run.start()
    assert run.ended()
    assert run.error is None
    assert run.consumer.closing.is_set()


@pytest.mark.parametrize(("kind", "refused"), [(Kind.REFUSE, True), (Kind.DEFECT, False)])
def test_a_refusal_ends_no_sink_and_makes_it_unready(
    running: Callable[..., Running], kind: Kind, refused: bool
) -> None:
    run = running(InsertError("60", "no such table", kind))
    polls = threading.Event()
    seen: list[tuple[float | None, float | None, str | None]] = []

    def on_poll() -> None:
        labels = {"topic": LEDGER, "partition": "1"}
        shown = SINK.get_sample_value("impressions_sink_partition_refused", labels)
        seen.append((SINK.get_sample_value("impressions_sink_ready"), shown, run.sink.why_not_ready()))
        if len(seen) > 2:
            polls.set()

    run.consumer.on_poll = on_poll
    run.start()
    assert polls.wait(SECONDS)
    run.sink.stop()
    assert run.ended()
    assert run.error is None
    ready, shown, why = seen[-1]
    assert ready == 0
    assert bool(shown) == refused
    assert (why or "") == (
        "impressions.ledger.v1-1: ClickHouse refuses, with code 60: no such table." if refused else ""
    )
