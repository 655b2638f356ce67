"""A topic whose records bring their own time is refused."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streams.errors import BrokerAwayError, Kind, TopicMissingError, UserError
from streams.kafka.append_time import require_append_time


class Answering:
    """Answers a request for the topic's settings, in place of a broker."""

    def __init__(self, answer: str | KafkaError) -> None:
        self._answer = answer

    def describe_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future[Any]]:
        future: Future[Any] = Future()
        if isinstance(self._answer, KafkaError):
            future.set_exception(KafkaException(self._answer))
        else:
            future.set_result({"message.timestamp.type": SimpleNamespace(value=self._answer)})
        return {resources[0]: future}


def ask(answer: str | KafkaError) -> None:
    require_append_time(cast(AdminClient, Answering(answer)), "impressions.v1")


def test_the_brokers_time_is_accepted() -> None:
    ask("LogAppendTime")


def test_a_topic_that_was_deleted_meanwhile_is_missing() -> None:
    with pytest.raises(TopicMissingError, match=r"no topic impressions.v1"):
        ask(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))


def test_the_producers_time_is_refused_with_the_way_to_change_it() -> None:
    with pytest.raises(UserError, match=r"impressions.v1 has .*=CreateTime.* `impressions provision`"):
        ask("CreateTime")


@pytest.mark.parametrize(
    ("code", "kind"), [(KafkaError._TIMED_OUT, Kind.WAIT), (KafkaError.TOPIC_AUTHORIZATION_FAILED, Kind.REFUSE)]
)
def test_an_error_is_waited_for_or_refused(code: int, kind: Kind) -> None:
    with pytest.raises(UserError, match=r"settings of impressions.v1 can't be read") as raised:
        ask(KafkaError(code))
    assert raised.value.kind is kind
    assert isinstance(raised.value, BrokerAwayError) == (kind is Kind.WAIT)
