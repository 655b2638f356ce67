"""A person's command waits for a broker or a server that is not ready, and says in one sentence what else is wrong."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from confluent_kafka import KafkaError, KafkaException

from streams.clickhouse import ask
from streams.clickhouse.ask import Asking
from streams.clickhouse.errors import ClickHouseAwayError
from streams.errors import BrokerAwayError, UserError
from streams.provision import patience
from streams.provision.patience import patiently
from streams.settings import Settings

SETTINGS = Settings.model_validate({})


class Answers:
    """Raises each of some errors once, then answers 7."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self, *_: object, **__: object) -> int:
        if self.errors:
            raise self.errors.pop(0)
        return 7


def kafka(code: int) -> KafkaException:
    return KafkaException(KafkaError(code))


@pytest.mark.parametrize("code", [KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS])
def test_a_broker_that_is_not_ready_is_asked_again(code: int) -> None:
    assert patiently(SETTINGS, Answers(kafka(code), kafka(code))) == 7


def test_what_was_just_created_may_be_unknown_for_a_moment() -> None:
    unknown = kafka(KafkaError._UNKNOWN_PARTITION)
    assert patiently(SETTINGS, Answers(unknown), new=True) == 7
    with pytest.raises(UserError, match="refuses"):
        patiently(SETTINGS, Answers(unknown))


def test_patience_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", -1.0)
    with pytest.raises(BrokerAwayError, match=r"Kafka at 127\.0\.0\.1:9092 gave no usable answer .*run this again"):
        patiently(SETTINGS, Answers(kafka(KafkaError.NOT_COORDINATOR)))


def test_a_missing_right_is_a_sentence_and_a_defect_keeps_its_trace() -> None:
    with pytest.raises(UserError, match=r"refuses.*uthorization"):
        patiently(SETTINGS, Answers(kafka(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
    with pytest.raises(KafkaException):
        patiently(SETTINGS, Answers(kafka(KafkaError.INVALID_MSG)))


class Client:
    """Stands for a connection; what a real server answers is in tests/engine."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    def query(self, *_: object, **__: object) -> "Client":
        if self._errors:
            raise self._errors.pop(0)
        return self

    result_rows = ((1,),)

    def close(self) -> None:
        pass


def asking(monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> Asking:
    monkeypatch.setattr(ask, "connect", lambda _: Client(*errors))
    return Asking(SETTINGS)


def server_error(code: int) -> DatabaseError:
    return DatabaseError(f"Code: {code}. DB::Exception: text", code=code)


def test_clickhouse_is_asked_again_while_it_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asking(monkeypatch, OSError("refused"), server_error(202)).one("SELECT 1") == 1
    monkeypatch.setattr(ask, "PATIENCE_SECONDS", -1.0)
    with pytest.raises(ClickHouseAwayError, match="gave no answer"):
        asking(monkeypatch, OSError("refused")).one("SELECT 1")


@pytest.mark.parametrize(
    ("code", "words"), [(81, "impressions provision"), (60, "impressions provision"), (497, "refuses")]
)
def test_a_missing_table_or_a_refusal_is_one_sentence(monkeypatch: pytest.MonkeyPatch, code: int, words: str) -> None:
    with pytest.raises(UserError, match=words):
        asking(monkeypatch, server_error(code)).one("SELECT 1")
