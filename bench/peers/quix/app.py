"""The job in Quix Streams: a stateful function of a StreamingDataFrame, with state per message key.

What its documentation advises for speed: a state entry per artwork, so writes are small; librdkafka's fetch and batch
settings; few log lines. The commit interval, RocksDB's options and the changelog are its defaults.

Variants: empty; `ttl` lets the accepted times expire by `state.set(ttl=)`; `exactly-once` is its processing guarantee.
"""

from datetime import timedelta
from typing import Any

from quixstreams import Application, State  # type: ignore[import-not-found] # in an environment of its own

from bench.peers.common import WINDOW_MS, Progress, Task, is_near, kept

TIMES_LIVE = timedelta(milliseconds=2 * WINDOW_MS)
# Key of a user's count of artworks; an artwork's id is never empty.
COUNT = ""


def build(task: Task, progress: Progress) -> Application:
    """Return the application."""
    app = Application(
        broker_address=task.bootstrap,
        consumer_group=task.group,
        auto_offset_reset="earliest",
        state_dir=task.folder,
        processing_guarantee="exactly-once" if task.variant == "exactly-once" else "at-least-once",
        consumer_extra_config={
            "queued.min.messages": 20_000,
            "fetch.queue.backoff.ms": 10,
            # Kafka's static membership: a restarted member need not wait for the end of its own session.
            "group.instance.id": task.group,
            "session.timeout.ms": 10_000,
        },
        producer_extra_config={"linger.ms": 20, "compression.type": "lz4"},
        loglevel="WARNING",
    )
    decide = _with_ttl if task.variant == "ttl" else _plain

    def flush(value: dict[str, Any], state: State) -> list[dict[str, Any]]:
        user_id, accepted = value["user_id"], []
        for impression in value["impressions"]:
            artwork_id, seen_at = impression["artwork_id"], impression["seen_at"]
            seen = decide(state, artwork_id, seen_at)
            if seen:
                row = {"user_id": user_id, "artwork_id": artwork_id, "impression_id": impression["impression_id"]}
                accepted.append({**row, "seen_at": seen_at, "seen": seen})
        progress.impressions += len(value["impressions"])
        return accepted

    frame = app.dataframe(app.topic(task.input, value_deserializer="json"))
    frame = frame.apply(flush, stateful=True, expand=True)
    frame.to_topic(app.topic(task.output, value_serializer="json"))
    return app


def _plain(state: State, artwork_id: str, seen_at: int) -> int:
    """Return the user's count of artworks if the impression is accepted, 0 if it is a duplicate."""
    times = state.get(artwork_id)
    if times and is_near(seen_at, times):
        return 0
    state.set(artwork_id, kept(times or [], seen_at))
    return _count(state, times is None)


def _with_ttl(state: State, artwork_id: str, seen_at: int) -> int:
    """As `_plain`; a separate entry records that the artwork was seen, since the times expire."""
    key = f"t{artwork_id}"
    times = state.get(key) or []
    if is_near(seen_at, times):
        return 0
    state.set(key, kept(times, seen_at), ttl=TIMES_LIVE)
    new = not times and not state.exists(artwork_id)
    if new:
        state.set(artwork_id, 1)
    return _count(state, new)


def _count(state: State, new: bool) -> int:
    count: int = state.get(COUNT, 0) + new
    if new:
        state.set(COUNT, count)
    return count


def main() -> None:
    """Run it until SIGTERM, which it handles itself."""
    task, progress = Task.load(), Progress()
    progress.serve(task.metrics_port)
    build(task, progress).run()


if __name__ == "__main__":
    main()
