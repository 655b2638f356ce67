"""faust-streaming: `ProducerBuffer.flush` gives up after 0.1 s without progress, and the offset is committed."""

from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, until, worker

EVENTS = 10
SECONDS = 8.0


def work(address: str, name: str) -> None:
    """Buffer an output for every event; its topic does not exist and has no leader, so nothing is sent."""
    app = new_app(address, name, topic_allow_declare=False)
    output = app.topic(f"{name}-output", value_type=bytes, value_serializer="raw")

    @app.agent(app.topic(name, value_type=bytes, value_serializer="raw"))
    async def process(stream: Any) -> None:
        async for _ in stream:
            output.send_soon(value=b"output")
            say("buffered")

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Show all events committed while their outputs are still in the worker's memory."""
    broker.create(broker.name)
    broker.produce(broker.name, [b"event"] * EVENTS)
    with worker(broker) as running:
        need(lambda: len(running.said()) == EVENTS, "all events")
        if until(lambda: broker.committed(broker.name, broker.name) == EVENTS, SECONDS):
            return f"{EVENTS} events are committed, their outputs are only in the memory of the worker"
    return None


if __name__ == "__main__":
    run(reproduce, work)
