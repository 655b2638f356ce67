"""The job as Faust's documentation would write it: models, one agent, an event at a time, windowed table.

`faust.Record` models and an agent over events: https://faust-streaming.github.io/faust/userguide/agents.html. Windowed
tables with `.tumbling(size, expires=...)`, and a plain table: .../userguide/tables.html. The store is RocksDB, since
the same page says that state in memory is for development. Everything else is Faust's default.
"""

import faust
from prometheus_client import Counter, start_http_server

from bench.peers.common import COUNTER, Task

WINDOW_SECONDS = 600
# Faust expires by the wall clock: it removes what is older than `expires` whatever the events' own time is. Twenty
# minutes would do for a live stream, but would lose state while an old backlog is replayed; a day doesn't.
EXPIRES_SECONDS = 86_400


class Impression(faust.Record):
    """One user saw one artwork."""

    impression_id: str
    artwork_id: str
    seen_at: int
    pool_id: str


class Flush(faust.Record):
    """A user's impressions, sent together."""

    flush_id: str
    user_id: str
    sent_at: int
    impressions: list[Impression]


class Accepted(faust.Record):
    """An impression that is not a duplicate."""

    user_id: str
    artwork_id: str
    impression_id: str
    seen_at: int
    seen: int
    """Distinct artworks that the user has seen."""


def build(task: Task) -> faust.App:
    """Return the app."""
    app = faust.App(
        task.group,
        broker=f"kafka://{task.bootstrap}",
        datadir=str(task.folder),
        store="rocksdb://",
        topic_partitions=task.partitions,
        web_enabled=False,
    )
    source = app.topic(task.input, value_type=Flush)
    output = app.topic(task.output, value_type=Accepted, partitions=task.partitions)
    recent = app.Table("recent", default=int).tumbling(WINDOW_SECONDS, expires=EXPIRES_SECONDS)
    coverage = app.Table("coverage", default=list)
    processed = Counter(COUNTER.removesuffix("_total"), "Impressions decided", ("partition",))

    @app.agent(source)
    async def decide(stream: faust.StreamT[Flush]) -> None:
        async for event in stream.events():
            flush: Flush = event.value
            for impression in flush.impressions:
                window = recent.relative_to(impression.seen_at / 1000)  # type: ignore[attr-defined] # its stub forgets it
                key = f"{flush.user_id}|{impression.artwork_id}"
                if not window[key].value():
                    window[key] = 1
                    seen = coverage[flush.user_id]
                    if impression.artwork_id not in seen:
                        seen = [*seen, impression.artwork_id]
                        coverage[flush.user_id] = seen
                    accepted = Accepted(
                        user_id=flush.user_id,
                        artwork_id=impression.artwork_id,
                        impression_id=impression.impression_id,
                        seen_at=impression.seen_at,
                        seen=len(seen),
                    )
                    await output.send(key=flush.user_id, value=accepted)
            processed.labels(str(event.message.partition)).inc(len(flush.impressions))

    return app


def main() -> None:
    """Run it as a worker until SIGTERM."""
    task = Task.load()
    start_http_server(task.metrics_port, addr="127.0.0.1")
    build(task).Worker(loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main()
