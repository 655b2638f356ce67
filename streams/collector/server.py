"""The collector as a process: it starts, serves, and ends without losing what it has taken."""

import asyncio
import logging
import resource
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import uvloop

from streams.collector import observe, pages, traces
from streams.collector.garbage import Garbage
from streams.collector.http import gallery, recorder
from streams.collector.http.app import App
from streams.collector.http.limits import Gate, Limits
from streams.collector.http.protocol import limited
from streams.collector.http.record import Door
from streams.collector.log import Log
from streams.collector.reads.service import Reads
from streams.collector.rules.addresses import Proxies
from streams.collector.rules.bodies import MOST_BYTES
from streams.collector.rules.buckets import Buckets
from streams.collector.rules.budget import Budget
from streams.collector.rules.cors import Cors
from streams.collector.rules.tokens import Tokens
from streams.core.judge import Rules
from streams.errors import KnownError, UserError
from streams.kafka.client import cluster
from streams.metrics import collector as metrics
from streams.runtime import failpoints, log
from streams.runtime.exit import end_process
from streams.runtime.loopback import is_loopback
from streams.settings import Settings

logger = log.get(__name__)

KEEP_ALIVE_SECONDS = 15
# Connections that the kernel holds for us until we take them: a burst of them after a restart.
BACKLOG = 4096
# From the end of the notice to that of the last request: a body takes up to 15 s.
GRACE_SECONDS = 18
# And until what nobody waits for any more is acknowledged. Whoever stops us gives us 30 s in all.
DRAIN_SECONDS = 10
TICK_SECONDS = 1.0
# Descriptors for everything that isn't a client's connection.
OWN_DESCRIPTORS = 256
# Keys that owe something, of each kind of bucket: about 200 bytes each.
MOST_KEYS = 100_000


class Server(uvicorn.Server):
    """uvicorn's server; which signals end it is ours to say."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would end the process by the signal, and so with its code."""
        yield


class Collector:
    """One collector, from its settings to its end. Make it in the loop that it runs in."""

    def __init__(
        self,
        settings: Settings,
        port: int,
        log_: Log | None = None,
        limits: Limits | None = None,
        reads: Reads | None = None,
        recorder_files: Path = recorder.FOLDER,
    ) -> None:
        """Without `reads`, it only records. Raises UserError for settings that can't be, and for a port that is taken;
        port 0 is any that is free."""
        check(settings)
        self._settings = settings
        self._socket = bind(settings.collector_host, port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.log = log_ or Log(settings, observe.acknowledged, observe.append_failed)
        self.budget = budget(settings)
        limits = limits or Limits(connections=most_connections(settings.collector_connections))
        self.gate = Gate(limits, observe.connection_refused, observe.connection_ended, preceding_proxies(settings))
        self._reads = reads
        own = gallery.origins(settings.collector_gallery, *self.address)
        judged_by = door(settings, self.log, self.budget, limits, own)
        app = App(judged_by, pages.routes(settings, judged_by.tokens, reads, self.why_not_ready, recorder_files))
        self._spans = traces.provider(settings.collector_traces)
        self.server = Server(config(traces.traced(app, self.log, self._spans), self.gate))
        self.garbage: Garbage | None = None
        """Set it before `run` in a process that does nothing else: it is for all of the process."""
        self._noticing: asyncio.Task[None] | None = None
        observe.begin()
        self._measure()

    def why_not_ready(self) -> str | None:
        """Say in a sentence why no traffic should come; None if it should."""
        return "The collector is ending." if self.gate.draining else self.log.why_not_ready()

    async def run(self) -> None:
        """Serve until `stop`, and return once what was taken is acknowledged, or given up.

        Raises UserError if the brokers refuse us.
        """
        # /healthz answers while the brokers are being looked for.
        starting = asyncio.create_task(self.log.start())
        starting.add_done_callback(self._begun)
        ticks = asyncio.create_task(self._tick())
        if self._reads is not None:
            await self._reads.start()
        if self.garbage is not None:
            self.garbage.begin()
        most = self.gate.limits.connections
        logger.info("collector_started", host=self.address[0], port=self.address[1], connections=most)
        try:
            await self.server.serve([self._socket])
        finally:
            ticks.cancel()
            starting.cancel()
            drained = await self.log.drain(DRAIN_SECONDS)
            await self.log.close()
            if self._reads is not None:
                await self._reads.stop()
            # Nothing else waits for the loop by now.
            traces.finish(self._spans)
        if starting.done() and not starting.cancelled():
            starting.result()
        logger.info("collector_stopped", drained=drained, requests=self.server.server_state.total_requests)

    def _begun(self, starting: asyncio.Task[None]) -> None:
        if not starting.cancelled() and starting.exception() is not None:
            self.server.should_exit = True

    def stop(self, why: str) -> None:
        """End, after a notice; at once if it has been called before."""
        logger.info("stopping", signal=why)
        if self._noticing is None:
            self._noticing = asyncio.create_task(self._notice())
        else:
            self.server.should_exit = True

    async def _notice(self) -> None:
        """Say that the end is near, on /readyz and with every answer, before nothing more is taken."""
        self.gate.draining = True
        await asyncio.sleep(self._settings.collector_notice_seconds)
        self.server.should_exit = True

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.log.tick()
            if self.garbage is not None:
                self.garbage.tick(time.monotonic(), idle=not self.server.server_state.tasks)

    def _measure(self) -> None:
        metrics.collector_ready.set_function(lambda: self.why_not_ready() is None)
        metrics.collector_connections.set_function(lambda: len(self.server.server_state.connections))
        metrics.collector_budget_bytes.set(self.budget.limit)
        metrics.collector_waiting_bytes.set_function(lambda: self.budget.used)
        metrics.collector_waiting_seconds.set_function(lambda: self.log.oldest_seconds)


def check(settings: Settings) -> None:
    """Raise UserError for an incomplete login, and if nobody said that anyone's flushes are to be taken."""
    cluster(settings)
    open_to_others = not is_loopback(settings.collector_host)
    if open_to_others and settings.token_key_file is None and not settings.collector_without_tokens:
        raise UserError(
            f"The collector would listen on {settings.collector_host} and take anyone's flushes: set "
            "IMPRESSIONS_TOKEN_KEY_FILE, or IMPRESSIONS_COLLECTOR_WITHOUT_TOKENS=true if that is what you want."
        )


def door(settings: Settings, log_: Log, budget_: Budget, limits: Limits, own: Sequence[str] = ()) -> Door:
    """Return what requests are judged by; `own` are the origins of pages that the collector has itself.

    Raises UserError for a list or a file that can't be read.
    """
    return Door(
        log=log_,
        rules=Rules(settings.window_ms, settings.lateness_ms, settings.tolerance_ms),
        budget=budget_,
        cors=Cors([*_listed(settings.collector_origins), *own]),
        proxies=naming_proxies(settings),
        tokens=None if settings.token_key_file is None else Tokens.load(settings.token_key_file),
        by_address=_buckets(settings.collector_address_rate, settings.collector_address_burst),
        by_user=_buckets(settings.collector_user_rate, settings.collector_user_burst),
        log_share=settings.collector_log_share,
        limits=limits,
    )


def budget(settings: Settings) -> Budget:
    """Return the budget; one address's part of it holds the largest body at least."""
    most = settings.collector_budget_mib * 2**20
    return Budget(most, of_address=max(int(most * settings.collector_address_share), MOST_BYTES))


def naming_proxies(settings: Settings) -> Proxies:
    """Return the proxies that name a client's address in a header of each request; none if they do it otherwise."""
    if settings.collector_proxy_header == "proxy-protocol":
        return Proxies()
    return Proxies(_listed(settings.collector_proxies), settings.collector_proxy_header)


def preceding_proxies(settings: Settings) -> Proxies | None:
    """Return the proxies that begin each connection with a PROXY header, None if they do it otherwise."""
    if settings.collector_proxy_header != "proxy-protocol":
        return None
    return Proxies(_listed(settings.collector_proxies))


def config(app: traces.Application, gate: Gate) -> uvicorn.Config:
    """Return uvicorn's configuration: HTTP/1.1 by our protocol, and nothing that we don't use."""
    # It logs a line for each request that isn't HTTP: those are counted. What it calls an error is one.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Config(
        app,
        http=limited(gate),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def bind(host: str, port: int) -> socket.socket:
    """Return a socket on which connections may wait already. Raises UserError if the address can't be bound."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        raise UserError(
            f"The collector can't listen on {host}, port {port} ({error.strerror}): set IMPRESSIONS_COLLECTOR_HOST and "
            "IMPRESSIONS_COLLECTOR_PORT."
        ) from None
    return bound


def most_connections(wanted: int) -> int:
    """Return how many connections there may be: as many as are wanted, or as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OWN_DESCRIPTORS
    if soft < needed:
        soft = min(needed, hard) if hard != resource.RLIM_INFINITY else needed
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(wanted, soft - OWN_DESCRIPTORS)


def main(settings: Settings, index: int, port: int) -> None:
    """Run collector `index` on `port` until SIGTERM or SIGINT, then return. Call it in the main thread.

    Raises UserError for settings that can't be, a port that is taken, and brokers that refuse us. Starts also while no
    broker answers: /readyz says so.
    """
    failpoints.enable(settings, f"collector-{index}")

    async def run() -> None:
        collector = Collector(settings, port, reads=Reads(settings))
        collector.garbage = Garbage()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, collector.stop, number.name)
        await collector.run()

    try:
        with log.in_background(observe.log_unwritten), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except KnownError:
        raise
    except Exception as error:
        end_process(error)


def _listed(text: str) -> list[str]:
    return [part for each in text.split(",") if (part := each.strip())]


def _buckets(rate: float, burst: float) -> Buckets | None:
    return Buckets(rate, burst, MOST_KEYS) if rate > 0 else None
