"""The process of the embedded ClickHouse: chDB behind ClickHouse's HTTP interface, from bind to a clean stop."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from streams.embedded.clickhouse.access import write_configuration
from streams.embedded.clickhouse.config import ServerConfig
from streams.embedded.clickhouse.engine import ENGINE_VERSION, Engine
from streams.embedded.clickhouse.note import note
from streams.embedded.clickhouse.other_ports import native_port, serve_tls, tls_context
from streams.embedded.clickhouse.pool import Pool
from streams.embedded.clickhouse.query import Queries
from streams.embedded.clickhouse.store import Store
from streams.embedded.clickhouse.users import foreign_page
from streams.errors import UserError
from streams.runtime import log

_log = log.get(__name__)

# clickhouse-connect puts a query's parameters into the URL; ClickHouse's own http_max_uri_size is 1 MiB.
_URL_BYTES = 1 << 20
# Longer than any client keeps an idle connection (clickhouse-connect: 10 minutes), so none is closed while in use.
_KEEP_ALIVE_SECONDS = 900.0
# For connections that are idle or being cut: nothing else is left to wait for.
_CLOSE_SECONDS = 1.0


def serve(settings: ServerConfig) -> None:
    """Serve until SIGTERM or SIGINT, then let inserts finish, cancel reads and close the engine.

    Raises UserError in one sentence if a port is in use, the data folder is locked, or another engine created it, and
    for a certificate that can't be used.
    """
    context = None
    if settings.tls_port:
        if settings.tls_certificate is None or settings.tls_key is None:
            raise UserError("ClickHouse's HTTPS port needs a certificate and its key.")
        context = tls_context(settings.tls_certificate, settings.tls_key)
    with (
        _bind(settings.host, settings.port) as listener,
        contextlib.closing(Store(settings.path, ENGINE_VERSION)) as store,
    ):
        engine = Engine(store.engine, write_configuration(store.config), store.spool)
        asyncio.run(_serve(settings, listener, engine, context))


def _bind(host: str, port: int) -> socket.socket:
    """Bind the port before the engine is opened, and keep it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"can't be taken ({error.strerror})"
        raise UserError(
            f"ClickHouse's address {host}:{port} {why}; stop what listens there or set IMPRESSIONS_CLICKHOUSE_URL."
        ) from None
    return listener


async def _serve(
    settings: ServerConfig, listener: socket.socket, engine: Engine, context: ssl.SSLContext | None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pool = Pool(engine, settings)
    async with _listening(settings, listener, Queries(pool, settings, engine), context) as stop_accepting:
        note(_log.info, "listening", host=settings.host, port=listener.getsockname()[1], engine=ENGINE_VERSION)
        await stop.wait()
        await stop_accepting()
        clean = await pool.stop(settings.stop_seconds)
    if clean:
        engine.close()
    note(_log.info, "stopped", clean=clean)
    if not clean:  # a thread in the engine would keep the process alive; what is acknowledged is stored either way
        os._exit(0)


@contextlib.asynccontextmanager
async def _listening(
    settings: ServerConfig, listener: socket.socket, queries: Queries, context: ssl.SSLContext | None
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Listen; yield the function that stops accepting, and close the remaining connections at the end."""
    runner = web.AppRunner(
        _application(settings, queries),
        access_log=None,
        handle_signals=False,
        handler_cancellation=True,  # a client that disconnects cancels its query
        auto_decompress=False,  # bodies are decompressed here, within bounds (body.py)
        max_line_size=_URL_BYTES,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        shutdown_timeout=_CLOSE_SECONDS,
    )
    await runner.setup()
    sites: list[web.BaseSite] = [web.SockSite(runner, listener)]
    try:
        await sites[0].start()
        if context is not None:
            sites.append(await serve_tls(runner, settings.host, settings.tls_port, context))
        async with native_port(settings.host, settings.native_port, listener.getsockname()[1]):
            yield lambda: _stop(sites)
    finally:
        await runner.cleanup()


async def _stop(sites: list[web.BaseSite]) -> None:
    for site in sites:
        await site.stop()


def _application(settings: ServerConfig, queries: Queries) -> web.Application:
    @web.middleware
    async def refuse_foreign_pages(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        why = foreign_page(request.headers, settings.host, settings.hosts)
        if why is not None:
            return web.Response(status=403, text=why + "\n")
        return await handler(request)

    async def ping(_: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    application = web.Application(middlewares=[refuse_foreign_pages], client_max_size=settings.body_bytes)
    application.router.add_get("/ping", ping)
    application.router.add_get("/replicas_status", ping)  # no replica lags
    for path in ("/", "/query"):
        application.router.add_get(path, queries.handle)
        application.router.add_post(path, queries.handle)
    return application
