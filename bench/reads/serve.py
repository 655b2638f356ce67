"""A collector, as `impressions collector` runs it, with another clock: `python -m bench.reads.serve PORT LATE_MS`.

By this clock the rows were seen just now, also if they were made long ago: what was seen within the last hour is a part
of the answers.
"""

import asyncio
import sys
import time

import uvloop

from streams.collector.garbage import Garbage
from streams.collector.reads.loading import Clocks
from streams.collector.reads.service import Reads
from streams.collector.server import Collector
from streams.runtime import log
from streams.settings import Settings


async def serve(settings: Settings, port: int, late_ms: int) -> None:
    """Serve until the process is ended."""
    reads = Reads(settings, Clocks(ms=lambda: time.time_ns() // 1_000_000 - late_ms))
    collector = Collector(settings, port, reads=reads)
    collector.garbage = Garbage()
    await collector.run()


if __name__ == "__main__":
    log.configure("WARNING")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Settings.load(), int(sys.argv[1]), int(sys.argv[2])))
