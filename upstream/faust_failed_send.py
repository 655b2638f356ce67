"""faust-streaming: a record that the broker refuses is logged, and the offset of its event is committed."""

from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, until, worker

EVENTS = 10
SECONDS = 8.0


def work(address: str, name: str) -> None:
    """Send an output for every event; its topic refuses it."""
    app = new_app(address, name)
    output = app.topic(f"{name}-output", value_type=bytes, value_serializer="raw")

    @app.agent(app.topic(name, value_type=bytes, value_serializer="raw"))
    async def process(stream: Any) -> None:
        async for _ in stream:
            await output.send(value=b"x" * 10_000)
            say("sent")

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Show all events committed and no output."""
    output = f"{broker.name}-output"
    broker.create(broker.name)
    broker.create(output, max_message_bytes="1000")
    broker.produce(broker.name, [b"event"] * EVENTS)
    with worker(broker) as running:
        need(lambda: len(running.said()) == EVENTS, "all events")
        if until(lambda: broker.committed(broker.name, broker.name) == EVENTS, SECONDS) and not broker.end(output):
            return f"{EVENTS} events are committed, none of their outputs was taken by the broker"
    return None


if __name__ == "__main__":
    run(reproduce, work)
