"""Delete topics or tighten their limits."""

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from streams.settings import Settings
from tests.support.wait import until

SECONDS = 60.0


def delete(settings: Settings, topic: str) -> None:
    """Delete a topic; return once the broker no longer has it."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    admin.delete_topics([topic])[topic].result(SECONDS)
    until(lambda: topic not in admin.list_topics(timeout=SECONDS).topics, SECONDS, f"{topic} is gone")


def configure(settings: Settings, topic: str, name: str, value: str) -> None:
    """Set a topic's configuration; return once the broker applies it."""
    admin, resource = AdminClient({"bootstrap.servers": settings.kafka_bootstrap}), (ResourceType.TOPIC, topic)
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    for future in admin.incremental_alter_configs([ConfigResource(*resource, incremental_configs=[entry])]).values():
        future.result(SECONDS)

    def known() -> bool:
        (described,) = admin.describe_configs([ConfigResource(*resource)]).values()
        return bool(described.result(SECONDS)[name].value == value)

    until(known, SECONDS, f"{topic} has {name}={value}")


def limit(settings: Settings, topic: str, size: int) -> None:
    """Set the largest batch (bytes, compressed) that a topic accepts."""
    configure(settings, topic, "max.message.bytes", str(size))
