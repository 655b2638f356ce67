"""What a partition's producer does about each answer of the broker: try again, give up now, or give up for good."""

import time
from collections import deque
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.errors import BrokerAwayError, FencedError, KnownError, SourceChangedError, UserError
from streams.kafka import transaction
from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.settings import Settings

RECORDS = [ProducerRecord("changelog", 3, b"k", b"v"), ProducerRecord("accepted", 3, None, b"row")]


def error(code: int, fatal: bool = False, retriable: bool = False, txn_requires_abort: bool = False) -> KafkaException:
    return KafkaException(KafkaError(code, None, fatal, retriable, txn_requires_abort))


SILENCE = error(KafkaError._TIMED_OUT, retriable=True)
ABORTED = error(KafkaError._TIMED_OUT, txn_requires_abort=True)


class Client:
    """Stands in for librdkafka's producer: each call answers with the next of its answers, and otherwise succeeds."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers: dict[str, deque[KafkaException | None]] = {}

    def answer(self, call: str, *answers: KafkaException | None) -> None:
        """Set the answers to the next calls."""
        self.answers[call] = deque(answers)

    def __getattr__(self, call: str) -> Callable[..., None]:
        def called(*_: object, **__: object) -> None:
            self.calls.append(call)
            answers = self.answers.get(call)
            if answers and (found := answers.popleft()) is not None:
                raise found

        return called


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(transaction, "Producer", lambda _: made)
    return made


def producer() -> PartitionProducer:
    return PartitionProducer(Settings(), 3)


def test_a_fence_waits_for_the_broker_unless_it_may_not(client: Client) -> None:
    client.answer("init_transactions", SILENCE, SILENCE)
    patient = producer()
    patient.fence()
    assert client.calls == ["init_transactions"] * 3
    assert not patient.waits

    client.answer("init_transactions", SILENCE)
    with pytest.raises(BrokerAwayError, match=r"^Kafka can't begin transactions for partition 3 now: .*imed out\.$"):
        producer().fence(patient=False)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            r"^Kafka won't begin transactions for partition 3: our login needs Describe and Write on the transactional "
            r"id impressions-3\. Grant that with kafka-acls\.sh\.$",
        ),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, "our login needs"),
        (KafkaError.INVALID_TRANSACTION_TIMEOUT, "^IMPRESSIONS_TRANSACTION_TIMEOUT_SECONDS is longer"),
    ],
)
def test_a_refused_fence_says_what_is_missing(client: Client, code: int, sentence: str) -> None:
    client.answer("init_transactions", error(code, fatal=True))
    with pytest.raises(UserError, match=sentence) as raised:
        producer().fence()
    assert not isinstance(raised.value, BrokerAwayError)


def test_a_right_that_is_missing_at_a_commit_is_not_waited_for(client: Client) -> None:
    """librdkafka only asks to abort the transaction; the next one would end in the same way."""
    client.answer("commit_transaction", error(KafkaError.TOPIC_AUTHORIZATION_FAILED, txn_requires_abort=True))
    sentence = (
        "^Kafka won't commit what partition 3 led to: our login needs Write on all of the topics accepted, changelog"
    )
    with pytest.raises(UserError, match=sentence):
        producer().commit(RECORDS)
    assert "abort_transaction" not in client.calls


def test_a_commit_waits_and_starts_over_unless_it_may_not(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    client.answer("commit_transaction", SILENCE, ABORTED, None)
    producer().commit(RECORDS)
    assert client.calls.count("commit_transaction") == 3
    assert client.calls.count("abort_transaction") == 1

    for answer in (SILENCE, ABORTED):
        client.answer("commit_transaction", answer)
        with pytest.raises(BrokerAwayError):
            producer().commit(RECORDS, patient=False)


@pytest.mark.parametrize(("patient", "type_"), [(True, SourceChangedError), (False, BrokerAwayError)])
def test_a_partition_that_is_gone_is_for_a_new_start_to_judge(
    client: Client, patient: bool, type_: type[KnownError]
) -> None:
    client.answer("produce", error(KafkaError._UNKNOWN_PARTITION))
    with pytest.raises(type_, match="partition 3 of changelog is not there"):
        producer().commit(RECORDS, patient=patient)


@pytest.mark.parametrize("call", ["begin_transaction", "produce", "commit_transaction"])
def test_a_successor_fences(client: Client, call: str) -> None:
    client.answer(call, error(KafkaError._FENCED, fatal=True))
    with pytest.raises(FencedError, match="partition 3 is held by another worker"):
        producer().commit(RECORDS)


def test_a_defect_stays_one(client: Client) -> None:
    client.answer("produce", error(KafkaError._BAD_MSG))
    with pytest.raises(KafkaException):
        producer().commit(RECORDS)


def test_a_record_that_a_broken_client_takes_no_more_tells_that_another_worker_has_the_partition(
    client: Client,
) -> None:
    client.answer("produce", error(KafkaError._FATAL))
    client.answer("abort_transaction", error(KafkaError._FENCED, fatal=True))
    with pytest.raises(FencedError, match="partition 3 is held by another worker"):
        producer().commit(RECORDS)
