"""A collector that keeps idle connections for long, with its own protocol or with uvicorn's:
`python -m bench.connections.serve ours|uvicorn`."""

import asyncio
import signal
import sys

import uvloop

from streams.collector.garbage import Garbage
from streams.collector.server import Collector
from streams.runtime import log
from streams.settings import Settings

# Longer than it takes to open all connections. What a lost connection leaves behind is kept for as long.
KEEP_ALIVE_SECONDS = 120


async def serve(settings: Settings, protocol: str) -> None:
    """Serve until SIGTERM. All but the protocol is the same."""
    collector = Collector(settings, settings.collector_port)
    collector.garbage = Garbage()
    config = collector.server.config
    config.timeout_keep_alive = KEEP_ALIVE_SECONDS
    if protocol == "uvicorn":
        config.http = "httptools"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, collector.stop, "SIGTERM")
    await collector.run()


if __name__ == "__main__":
    log.configure("WARNING")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Settings.load(), sys.argv[1]))
