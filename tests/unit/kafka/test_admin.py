"""What the broker's answers about topics become: one true sentence for each way in which they fail."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition

from streams.errors import BrokerAwayError, TopicMissingError, UserError
from streams.kafka import admin
from streams.settings import Settings

SETTINGS = Settings(kafka_bootstrap="broker:9092")


def error(code: int) -> KafkaException:
    return KafkaException(KafkaError(code))


def answer(value: object) -> "Future[Any]":
    future: Future[Any] = Future()
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)
    return future


def topic(*leaders: int | None) -> SimpleNamespace:
    """A topic as librdkafka describes it: the leader of each partition."""
    nodes = [None if leader is None else SimpleNamespace(id=leader) for leader in leaders]
    partitions = [SimpleNamespace(id=number, leader=node) for number, node in enumerate(nodes)]
    return SimpleNamespace(topic_id="id-1", partitions=partitions)


class Brokers:
    """Stands in for the admin client and the consumers: `topics` and `offsets` are what they answer."""

    def __init__(self, note: Callable[[KafkaError], None]) -> None:
        self.topics: dict[str, object] = {}
        self.offsets: dict[IsolationLevel, dict[int, object]] = {}
        self.watermarks: object = (0, 0)
        self.refused: KafkaError | None = None
        self._note = note

    def describe_topics(self, topics: Any, **_: object) -> dict[str, "Future[Any]"]:
        return {name: answer(self.topics[name]) for name in topics.topic_names}

    def poll(self, _: float) -> None:
        if self.refused is not None:
            self._note(self.refused)

    def list_offsets(self, asked: dict[TopicPartition, object], isolation_level: IsolationLevel, **_: object) -> Any:
        found = self.offsets[isolation_level]
        return {tp: answer(found[tp.partition]) for tp in asked}

    def get_watermark_offsets(self, *_: object, **__: object) -> object:
        if isinstance(self.watermarks, Exception):
            raise self.watermarks
        return self.watermarks

    def close(self) -> None:
        pass


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brokers]:
    admin.give_up_client()
    made: list[Brokers] = []

    def client(config: dict[str, Any]) -> Brokers:
        made[:] = made or [Brokers(config["error_cb"])]
        return made[0]

    monkeypatch.setattr(admin, "AdminClient", client)
    monkeypatch.setattr(admin, "reader", lambda _: made[0])
    admin.admin(SETTINGS)
    yield made[0]
    admin.give_up_client()


def test_a_topic_and_its_partitions_without_a_leader(brokers: Brokers) -> None:
    brokers.topics = {"a": topic(1, None, -1, 2)}
    assert admin.describe(SETTINGS, "a") == admin.TopicInfo("id-1", 4, frozenset({1, 2}))


@pytest.mark.parametrize(
    ("code", "type_", "sentence"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, TopicMissingError, "^There is no topic a at broker:9092"),
        (KafkaError._TIMED_OUT, BrokerAwayError, "^No Kafka broker answers at broker:9092"),
        (KafkaError.COORDINATOR_LOAD_IN_PROGRESS, BrokerAwayError, "^Kafka can't describe a now: "),
        (
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            UserError,
            r"^Kafka won't describe a: our login needs Describe on the topic a\.",
        ),
    ],
)
def test_a_topic_that_can_t_be_described(brokers: Brokers, code: int, type_: type[Exception], sentence: str) -> None:
    brokers.topics = {"a": error(code)}
    with pytest.raises(type_, match=sentence) as raised:
        admin.describe(SETTINGS, "a")
    assert type(raised.value) is type_


def test_a_defect_is_not_called_a_broker_that_is_away(brokers: Brokers) -> None:
    brokers.topics = {"a": error(KafkaError._BAD_MSG)}
    with pytest.raises(KafkaException):
        admin.describe(SETTINGS, "a")


def test_a_refused_login_is_told_from_a_broker_that_is_away(brokers: Brokers) -> None:
    """Requests only time out while the client reports, beside them, that the login is refused."""
    brokers.topics = {"a": error(KafkaError._TIMED_OUT)}
    brokers.refused = KafkaError(KafkaError._AUTHENTICATION, "SASL authentication error: Authentication failed")
    with pytest.raises(UserError, match=r"Authentication failed\. Check .*IMPRESSIONS_KAFKA_PASSWORD_FILE") as raised:
        admin.describe(SETTINGS, "a")
    assert not isinstance(raised.value, BrokerAwayError)


@pytest.mark.parametrize(
    ("found", "type_", "sentence"),
    [
        (topic(1, 1, None), BrokerAwayError, "^Partition 2 of a is offline: all brokers that may lead it are away"),
        (topic(1, 1, 1), BrokerAwayError, "^The leader of partition 2 of a doesn't answer: .*imed out"),
        (topic(1, 1), UserError, r"^a has 2 partitions, so there is no partition 2\.$"),
        (error(KafkaError._TRANSPORT), BrokerAwayError, "^No Kafka broker answers at broker:9092"),
        (error(KafkaError.UNKNOWN_TOPIC_OR_PART), TopicMissingError, "^There is no topic a"),
    ],
)
def test_ends_that_time_out_have_one_true_reason(
    brokers: Brokers, found: object, type_: type[Exception], sentence: str
) -> None:
    brokers.topics, brokers.watermarks = {"a": found}, error(KafkaError._TIMED_OUT)
    with pytest.raises(type_, match=sentence) as raised:
        admin.watermarks(SETTINGS, "a", 2)
    assert type(raised.value) is type_


def test_ends_without_a_right_name_it(brokers: Brokers) -> None:
    brokers.watermarks = error(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(UserError, match="needs Describe and Read on the topic a"):
        admin.watermarks(SETTINGS, "a", 2)


def test_ends_of_all_partitions_leave_out_those_without_an_answer(brokers: Brokers) -> None:
    offsets = {0: SimpleNamespace(offset=7), 1: error(KafkaError.LEADER_NOT_AVAILABLE), 2: SimpleNamespace(offset=0)}
    brokers.offsets = {IsolationLevel.READ_COMMITTED: offsets}
    assert admin.ends(SETTINGS, "a", [0, 1, 2], IsolationLevel.READ_COMMITTED) == {0: 7, 2: 0}
    assert admin.ends(SETTINGS, "a", [], IsolationLevel.READ_COMMITTED) == {}
