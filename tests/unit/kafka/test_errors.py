"""What each error of Kafka's means, and the sentence that it becomes."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.errors import (
    BrokerAwayError,
    ClientBrokenError,
    DiskFullError,
    FencedError,
    Kind,
    SourceChangedError,
    StalledError,
    StateLostError,
    StateUnreadableError,
    UserError,
)
from streams.kafka.errors import explaining, kind, known

WAIT = (
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._DESTROY,
    KafkaError._DESTROY_BROKER,
    KafkaError._FAIL,
    KafkaError._INTR,
    KafkaError._MSG_TIMED_OUT,
    KafkaError._NODE_UPDATE,
    KafkaError._PREV_IN_PROGRESS,
    KafkaError._RESOLVE,
    KafkaError._RETRY,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._TRANSPORT,
    KafkaError._UNKNOWN_BROKER,
    KafkaError._WAIT_CACHE,
    KafkaError._WAIT_COORD,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REQUEST_TIMED_OUT,
)
REFUSE = (
    KafkaError._AUTHENTICATION,
    KafkaError._INVALID_ARG,
    KafkaError._SSL,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.INVALID_TRANSACTION_TIMEOUT,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)
RESTART = (
    KafkaError._FATAL,
    KafkaError._FENCED,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.PRODUCER_FENCED,
)
# What remains of the client's own: wrong use of it, what only other calls return, and what a new process may mend.
DEFECT = (
    KafkaError._APPLICATION,
    KafkaError._ASSIGNMENT_LOST,
    KafkaError._ASSIGN_PARTITIONS,
    KafkaError._BAD_COMPRESSION,
    KafkaError._BAD_MSG,
    KafkaError._CONFLICT,
    KafkaError._CRIT_SYS_RESOURCE,
    KafkaError._EXISTING_SUBSCRIPTION,
    KafkaError._FS,
    KafkaError._GAPLESS_GUARANTEE,
    KafkaError._INCONSISTENT,
    KafkaError._INVALID_DIFFERENT_RECORD,
    KafkaError._INVALID_TYPE,
    KafkaError._IN_PROGRESS,
    KafkaError._ISR_INSUFF,
    KafkaError._KEY_DESERIALIZATION,
    KafkaError._KEY_SERIALIZATION,
    KafkaError._LOG_TRUNCATION,
    KafkaError._MAX_POLL_EXCEEDED,
    KafkaError._NOENT,
    KafkaError._NOOP,
    KafkaError._NOT_CONFIGURED,
    KafkaError._NOT_IMPLEMENTED,
    KafkaError._NO_OFFSET,
    KafkaError._OUTDATED,
    KafkaError._PARTIAL,
    KafkaError._PARTITION_EOF,
    KafkaError._PURGE_INFLIGHT,
    KafkaError._PURGE_QUEUE,
    KafkaError._QUEUE_FULL,
    KafkaError._READ_ONLY,
    KafkaError._REVOKE_PARTITIONS,
    KafkaError._STATE,
    KafkaError._UNDERFLOW,
    KafkaError._UNKNOWN_GROUP,
    KafkaError._UNKNOWN_PROTOCOL,
    KafkaError._UNSUPPORTED_FEATURE,
    KafkaError._VALUE_DESERIALIZATION,
    KafkaError._VALUE_SERIALIZATION,
    KafkaError.INVALID_RECORD,
    KafkaError.UNKNOWN,
)


def of_kafka(code: int, fatal: bool = False, retriable: bool = False) -> KafkaException:
    return KafkaException(KafkaError(code, fatal=fatal, retriable=retriable))


@pytest.mark.parametrize(
    ("code", "means"),
    [
        *((code, Kind.WAIT) for code in WAIT),
        *((code, Kind.REFUSE) for code in REFUSE),
        *((code, Kind.RESTART) for code in RESTART),
        *((code, Kind.DEFECT) for code in DEFECT),
    ],
)
def test_each_code_has_a_kind(code: int, means: Kind) -> None:
    assert kind(of_kafka(code)) is means


def test_every_error_of_the_clients_own_is_judged() -> None:
    """A newer client may have more of them. One that only means that a broker is away must not end a process."""
    own = {getattr(KafkaError, name) for name in dir(KafkaError) if name[0] == "_" and name[1].isupper()}
    assert own <= {*WAIT, *REFUSE, *RESTART, *DEFECT}


def test_what_the_client_marks_as_retriable_is_waited_for() -> None:
    assert kind(of_kafka(KafkaError.UNKNOWN, retriable=True)) is Kind.WAIT


def test_a_client_that_broke_for_good_needs_a_new_process_whatever_broke_it() -> None:
    assert kind(of_kafka(KafkaError._TIMED_OUT, fatal=True)) is Kind.RESTART
    assert isinstance(known(of_kafka(KafkaError._FATAL, fatal=True), "commit"), ClientBrokenError)


def test_a_missing_right_is_refused_even_if_it_broke_the_client() -> None:
    assert kind(of_kafka(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, fatal=True)) is Kind.REFUSE


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (BrokerAwayError(""), Kind.WAIT),
        (UserError(""), Kind.REFUSE),
        (StateLostError(""), Kind.REFUSE),
        (StateUnreadableError(""), Kind.REFUSE),
        (FencedError(""), Kind.RESTART),
        (DiskFullError(""), Kind.RESTART),
        (SourceChangedError(""), Kind.RESTART),
        (StalledError(""), Kind.RESTART),
        (ValueError(""), Kind.DEFECT),
        (KafkaException(), Kind.DEFECT),
    ],
)
def test_each_error_of_ours_has_a_kind(error: Exception, means: Kind) -> None:
    assert kind(error) is means


@pytest.mark.parametrize(
    ("code", "type_", "sentence"),
    [
        (KafkaError.LEADER_NOT_AVAILABLE, BrokerAwayError, r"^Kafka can't read a now: .*eader not available\.$"),
        (
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            UserError,
            r"^Kafka won't read a: our login needs Read on the topic a\. Grant that with kafka-acls\.sh\.$",
        ),
        (KafkaError.SASL_AUTHENTICATION_FAILED, UserError, "IMPRESSIONS_KAFKA_PASSWORD_FILE"),
        (
            KafkaError.INVALID_TRANSACTION_TIMEOUT,
            UserError,
            "^IMPRESSIONS_TRANSACTION_TIMEOUT_SECONDS is longer than the brokers allow",
        ),
        (KafkaError.POLICY_VIOLATION, UserError, "^Kafka won't read a: .*Policy"),
        (KafkaError.PRODUCER_FENCED, FencedError, "another process has taken over"),
    ],
)
def test_an_error_becomes_one_sentence_that_says_what_to_do(code: int, type_: type[Exception], sentence: str) -> None:
    with (
        pytest.raises(type_, match=sentence) as raised,
        explaining("read a", "Read on the topic a"),
    ):
        raise of_kafka(code)
    assert type(raised.value) is type_


def test_a_defect_keeps_its_trace() -> None:
    error = of_kafka(KafkaError._BAD_MSG)
    assert known(error, "read a") is error
    with pytest.raises(KafkaException) as raised, explaining("read a"):
        raise error
    assert raised.value is error
