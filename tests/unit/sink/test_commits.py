"""Commits are sent one at a time, never waited for without end, and their answers decide what is shown."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.sink import commits as module
from streams.sink.commits import Commits


def at(offset: int, partition: int = 0) -> TopicPartition:
    return TopicPartition("t", partition, offset, "log-1")


def pairs(offsets: list[TopicPartition]) -> list[tuple[int, int]]:
    return [(tp.partition, tp.offset) for tp in offsets]


class FakeConsumer(Consumer):
    """Keeps commits until `answer`; `on_poll` is called by each poll."""

    def __init__(self) -> None:
        super().__init__({"group.id": "test"})
        self.sent: list[list[TopicPartition]] = []
        self.failure: KafkaError | None = None
        self.on_poll: Callable[[], Any] = lambda: None

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:  # type: ignore[override]
        assert asynchronous, "a synchronous commit may never return"
        if self.failure is not None:
            raise KafkaException(self.failure)
        self.sent.append(offsets)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        self.on_poll()
        return []


class Case:
    """Commits of a fake consumer, what was confirmed, and the errors noted."""

    def __init__(self) -> None:
        self.errors: list[KafkaError] = []
        self.confirmed: list[TopicPartition] = []
        self.consumer = FakeConsumer()
        self.commits = Commits(self.errors.append, self.confirmed.extend)

    def want(self, *offsets: TopicPartition) -> None:
        self.commits.want(self.consumer, list(offsets))

    def answer(self, error: KafkaError | None = None) -> None:
        self.commits.answered(error, self.consumer.sent[-1])
        self.commits.settle(self.consumer)


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_commit_counts_once_the_broker_has_confirmed_it(case: Case) -> None:
    case.want(at(5), at(7, 1))
    assert pairs(case.consumer.sent[0]) == [(0, 5), (1, 7)]
    assert case.confirmed == []
    case.answer()
    assert pairs(case.confirmed) == [(0, 5), (1, 7)]
    assert not case.commits.pending


def test_one_is_in_flight_at_most_and_the_next_says_the_latest(case: Case) -> None:
    case.want(at(5))
    case.want(at(6))
    case.want(at(7), at(2, 1))
    case.commits.settle(case.consumer)
    assert len(case.consumer.sent) == 1
    case.answer()
    assert pairs(case.consumer.sent[1]) == [(0, 7), (1, 2)]
    case.answer()
    assert (len(case.consumer.sent), case.commits.pending) == (2, False)


def test_an_error_is_noted_and_confirms_nothing(case: Case) -> None:
    case.want(at(5))
    case.answer(KafkaError(KafkaError.FENCED_INSTANCE_ID))
    assert [error.code() for error in case.errors] == [KafkaError.FENCED_INSTANCE_ID]
    assert case.confirmed == []


@pytest.mark.parametrize("at_once", [True, False])
def test_a_commit_that_failed_is_sent_again_after_a_pause(
    case: Case, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    failure = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
    case.consumer.failure = failure if at_once else None
    case.want(at(5), at(3, 1))
    if not at_once:
        case.answer(failure)
    case.consumer.failure = None
    before = len(case.consumer.sent)
    case.want(at(6))
    case.commits.settle(case.consumer)
    assert len(case.consumer.sent) == before
    monkeypatch.setattr(case.commits, "_not_before", 0.0)
    case.commits.settle(case.consumer)
    assert sorted(pairs(case.consumer.sent[-1])) == [(0, 6), (1, 3)]
    case.answer()
    assert not case.commits.pending


def test_a_wait_ends_with_the_answer(case: Case) -> None:
    case.want(at(5))
    case.want(at(6))
    case.consumer.on_poll = lambda: case.commits.answered(None, case.consumer.sent[-1])
    assert case.commits.wait(case.consumer, 60.0)
    assert pairs(case.confirmed) == [(0, 5), (0, 6)]


def test_a_wait_without_an_answer_ends_too(case: Case) -> None:
    case.want(at(5))
    assert not case.commits.wait(case.consumer, 0.02)
    assert case.commits.pending


def test_a_commit_that_is_never_answered_holds_up_no_other(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.want(at(5))
    case.want(at(6))
    case.commits.settle(case.consumer)
    assert len(case.consumer.sent) == 1
    monkeypatch.setattr(module, "ANSWER_SECONDS", -1.0)
    case.commits.settle(case.consumer)
    assert pairs(case.consumer.sent[1]) == [(0, 6)]


def test_what_is_due_for_a_partition_that_went_is_given_up(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.want(at(5))
    case.want(at(6), at(7, 1))
    case.commits.forget([at(0)])
    case.answer(KafkaError(KafkaError.ILLEGAL_GENERATION))
    monkeypatch.setattr(case.commits, "_not_before", 0.0)
    case.commits.settle(case.consumer)
    assert pairs(case.consumer.sent[1]) == [(1, 7)]
