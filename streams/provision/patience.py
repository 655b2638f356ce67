"""Requests of a person's command to Kafka: retried while the broker starts or moves, one sentence where it refuses."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from streams.errors import BrokerAwayError, Kind, UserError
from streams.kafka.admin import REQUEST_SECONDS, admin
from streams.kafka.errors import kind
from streams.runtime.backoff import Backoff
from streams.settings import Settings

# How long brokers may take to come back or to agree: a restart of one takes some ten seconds.
PATIENCE_SECONDS = 60.0
T = TypeVar("T")


def patiently(settings: Settings, call: Callable[[], T], *, new: bool = False) -> T:
    """Return the call's answer; while the broker is away or not ready, try again, for at most PATIENCE_SECONDS.

    `new`: what is asked about may have been created a moment ago, so a broker that doesn't know it yet may soon.
    Raises BrokerAwayError after that time, UserError if the broker refuses, anything else as it is.
    """
    backoff, deadline = Backoff(), time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except (KafkaException, BrokerAwayError) as error:
            if not (kind(error) is Kind.WAIT or (new and _is_unknown(error))) or time.monotonic() > deadline:
                with sentences(settings):
                    raise
            time.sleep(backoff.fail(time.monotonic()))


def _is_unknown(error: Exception) -> bool:
    codes = (KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART)
    return isinstance(error, KafkaException) and error.args[0].code() in codes


@contextmanager
def sentences(settings: Settings) -> Iterator[None]:
    """Turn errors that are not defects into one sentence for a person. Raises UserError."""
    try:
        yield
    except KafkaException as error:
        text = error.args[0].str()
        if kind(error) is Kind.WAIT:
            raise BrokerAwayError(
                f"Kafka at {settings.kafka_bootstrap} gave no usable answer ({text}): run this again once all its "
                "brokers are up."
            ) from None
        if kind(error) is Kind.REFUSE:
            raise UserError(f"Kafka at {settings.kafka_bootstrap} refuses: {text}.") from None
        raise


def topics_of(settings: Settings) -> dict[str, int]:
    """Return the broker's topics and their partition counts. Raises as `patiently` does."""
    topics = patiently(settings, lambda: admin(settings).list_topics(timeout=REQUEST_SECONDS)).topics
    return {name: len(topic.partitions) for name, topic in topics.items()}
