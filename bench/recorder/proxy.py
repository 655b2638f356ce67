"""Between a browser and the collector: counts bytes, by port, and may be deaf for a while. In a thread of its own."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bench.lib.broker import HOST
from streams.embedded.ports import free_block

PIECE = 64 * 1024
START_SECONDS = 10.0


class Proxy:
    """Ports that lead to one address. `sent` and `answered` are bytes by port, of HTTP with its headers."""

    def __init__(self, ports: int, to: int) -> None:
        first = free_block(ports)
        self.ports = range(first, first + ports)
        self.sent, self.answered = Counter[int](), Counter[int]()
        self.connections = Counter[int]()
        self.deaf = False
        """Whether connections are closed as they come, and those that are open."""
        self._to = to
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def start(self) -> None:
        """Return once it listens."""
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError("the proxy doesn't listen")

    def set_deaf(self, deaf: bool) -> None:
        """Close what is open, and what comes; or listen again."""
        self.deaf = deaf
        if deaf:
            for writer in list(self._writers):
                self._loop.call_soon_threadsafe(writer.close)

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(_cancel_all())
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for port in self.ports:
            self._loop.run_until_complete(asyncio.start_server(self._serve, HOST, port))
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = int(writer.get_extra_info("sockname")[1])
        self.connections[port] += 1
        if self.deaf:
            writer.close()
            return
        back, there = await asyncio.open_connection(HOST, self._to)
        self._writers |= {writer, there}
        with suppress(asyncio.CancelledError):  # at the end
            await asyncio.gather(_pass(reader, there, self.sent, port), _pass(back, writer, self.answered, port))
        self._writers -= {writer, there}


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: Counter[int], port: int) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE):
            count[port] += len(piece)
            sink.write(piece)
            await sink.drain()
    sink.close()


@contextmanager
def proxying(ports: int, to: int) -> Iterator[Proxy]:
    """Run a proxy in front of a port of this machine."""
    proxy = Proxy(ports, to)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
