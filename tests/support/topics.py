"""Topics that tests take away."""

from confluent_kafka.admin import AdminClient

from streams.settings import Settings
from tests.support.wait import until

SECONDS = 60.0


def delete(settings: Settings, topic: str) -> None:
    """Delete a topic; return once the broker no longer has it."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    admin.delete_topics([topic])[topic].result(SECONDS)
    until(lambda: topic not in admin.list_topics(timeout=SECONDS).topics, SECONDS, f"{topic} is gone")
