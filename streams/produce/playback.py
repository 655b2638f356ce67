"""Send rows as flushes at the play's speed, until the broker has acknowledged them or the user interrupts."""

from time import monotonic

from impression_streams.delivery import BufferFullError, Stats, UndeliveredError
from impression_streams.producer import ImpressionProducer
from streams.kafka.client import security
from streams.kafka.names import IMPRESSIONS
from streams.produce.batches import batches, make_flush
from streams.produce.options import ProduceOptions
from streams.produce.rows import Row
from streams.produce.timeline import Timeline
from streams.runtime.interrupt import Interrupt
from streams.runtime.progress import Progress
from streams.settings import Settings

# How long a wait lasts before the progress is updated and Ctrl-C is noticed.
TICK_SECONDS = 0.2
# A broker that acknowledges nothing for this long is considered down.
SILENCE_SECONDS = 30.0
# Packs the flushes of many users into one request: a play needs throughput, and most of its flushes are small.
LINGER_MS = 20.0


def play(
    rows: list[Row],
    timeline: Timeline,
    options: ProduceOptions,
    settings: Settings,
    progress: Progress,
    interrupt: Interrupt,
) -> tuple[Stats, str]:
    """Send rows (in order of time); return the producer's counters and why not all were acknowledged, or "".

    An interrupt ends the sending; a second one ends the wait for what was sent by then.
    """
    producer = ImpressionProducer(
        settings.kafka_bootstrap,
        topic=IMPRESSIONS,
        max_block=TICK_SECONDS,
        linger_ms=LINGER_MS,
        config=security(settings),
    )
    try:
        _send(producer, rows, timeline, options, progress, interrupt)
        _settle(producer, progress)
    except KeyboardInterrupt:
        if not interrupt:
            raise
    finally:
        problem = _close(producer)
    return producer.stats, problem


def _send(
    producer: ImpressionProducer,
    rows: list[Row],
    timeline: Timeline,
    options: ProduceOptions,
    progress: Progress,
    interrupt: Interrupt,
) -> None:
    started, begin = monotonic(), timeline.map(rows[0].seen_at) if rows else 0
    for batch in batches(rows, timeline, options.batch, options.interval_ms):
        due = started if options.speed is None else started + (batch.at - begin) / 1000 / options.speed
        while not interrupt and (left := due - monotonic()) > 0:
            interrupt.event.wait(min(left, TICK_SECONDS))
            progress.update(producer.stats.acknowledged)
        flush = make_flush(batch, timeline, options.tier, options.columns.new_ids)
        taken = False
        while not taken:
            if interrupt or producer.stats.failed:
                return
            try:
                producer.send_flush(flush)
                taken = True
            except BufferFullError:
                pass  # the broker is slower than the files: retry, unless interrupted
            progress.update(producer.stats.acknowledged)


def _settle(producer: ImpressionProducer, progress: Progress) -> None:
    """Wait for the acknowledgements as long as some arrive."""
    acknowledged, since = -1, monotonic()
    while not producer.wait(TICK_SECONDS) and monotonic() - since < SILENCE_SECONDS:
        if (now := producer.stats.acknowledged) != acknowledged:
            acknowledged, since = now, monotonic()
        progress.update(now)
    progress.update(producer.stats.acknowledged)


def _close(producer: ImpressionProducer) -> str:
    try:
        producer.close(timeout=0)
        return ""
    except UndeliveredError as error:
        lost = sum(len(flush.impressions) for flush in error.flushes)
        return f"{lost:,} impressions were not acknowledged ({'; '.join(error.reasons)})."
