"""Checks that the broker sets the time of a topic's records: A is the broker's, never a producer's (contract §4)."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from streams.errors import BrokerAwayError, Kind, TopicMissingError, UserError
from streams.kafka.admin import REQUEST_SECONDS
from streams.kafka.errors import MISSING, kind

WHOSE, BROKERS = "message.timestamp.type", "LogAppendTime"


def require_append_time(client: AdminClient, topic: str) -> None:
    """Return if the topic has LogAppendTime.

    Raises UserError if it hasn't, or can't be asked; TopicMissingError, BrokerAwayError.
    """
    (answer,) = client.describe_configs(
        [ConfigResource(ResourceType.TOPIC, topic)], request_timeout=REQUEST_SECONDS
    ).values()
    try:
        value = answer.result()[WHOSE].value
    except KafkaException as error:
        if error.args[0].code() in MISSING:
            raise TopicMissingError(f"There is no topic {topic} (any more): has `impressions provision` run?") from None
        why = f"The settings of {topic} can't be read: {error.args[0].str()}."
        raise (BrokerAwayError if kind(error) is Kind.WAIT else UserError)(why) from None
    if value != BROKERS:
        raise UserError(
            f"{topic} has {WHOSE}={value}, so that producers would choose when their records arrived: run "
            f"`impressions provision`, which sets {BROKERS}."
        )
