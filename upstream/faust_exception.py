"""faust-streaming: an exception in an agent's body acknowledges the event that it failed on."""

from typing import Any

from faust_kit import new_app, start
from kit import Broker, need, run, say, until, worker

EVENTS = 10
SECONDS = 8.0


def work(address: str, name: str) -> None:
    """Fail on the first event, as if a database was down for a moment."""
    app = new_app(address, name)

    @app.agent(app.topic(name, value_type=bytes, value_serializer="raw"))
    async def process(stream: Any) -> None:
        async for event in stream.events():
            if event.message.offset == 0:
                say("failed 0")
                raise ConnectionError("the database is down")
            say(f"processed {event.message.offset}")

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Show the offset committed after an event that was never processed and is never delivered again."""
    broker.create(broker.name)
    broker.produce(broker.name, [b"event"] * EVENTS)
    with worker(broker) as running:
        need(lambda: len(running.said()) >= EVENTS, "all events")
        if until(lambda: broker.committed(broker.name, broker.name) == EVENTS, SECONDS):
            return f"{EVENTS} events are committed, {running.said().count('failed 0')} of them failed and is skipped"
    return None


if __name__ == "__main__":
    run(reproduce, work)
