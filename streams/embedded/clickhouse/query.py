"""One request from its first byte to its log line."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict

from streams.embedded.clickhouse.answer import Answer, ClientGone, Head, complete_response, error_response
from streams.embedded.clickhouse.ask import Ask, is_set, read_ask, url_fields
from streams.embedded.clickhouse.body import Body
from streams.embedded.clickhouse.config import ServerConfig
from streams.embedded.clickhouse.encode import encoder_of
from streams.embedded.clickhouse.engine import Engine
from streams.embedded.clickhouse.errors import (
    QUERY_WAS_CANCELLED,
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING,
    SOCKET_TIMEOUT,
    SYNTAX_ERROR,
    ClickHouseError,
)
from streams.embedded.clickhouse.form import read_form
from streams.embedded.clickhouse.kill import Kill, read_kill
from streams.embedded.clickhouse.native import framed
from streams.embedded.clickhouse.note import note
from streams.embedded.clickhouse.pool import Lease, Pool
from streams.embedded.clickhouse.statement import Insert, output_format, split_insert, without_data
from streams.embedded.clickhouse.users import User, authenticate
from streams.runtime import failpoints, log
from streams.runtime.failpoints import Action, Failpoint

_log = log.get(__name__)

# The statement of an insert ends within this: the engine's own max_query_size.
_HEAD_BYTES = 256 << 10
# Formats whose output is the same whether it is made whole or block by block: these are sent as each block is made.
# Any other goes through a pipe, where the engine keeps a MiB before it writes (through.py).
_IN_BLOCKS = frozenset(
    ("native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "rowbinary", "null")
)
# Forms are held in memory whole.
_FORMS_AT_ONCE = 2


@dataclass
class _Outcome:
    """What is logged about a request. `kind` is its statement's kind; the text is never logged."""

    kind: str = ""
    code: int = 0


@dataclass
class _Exchange:
    """A request that has been read, with what answers it."""

    request: web.Request
    ask: Ask
    lease: Lease
    head: Head
    body: Body
    outcome: _Outcome


class Queries:
    """Answers queries with the engine's handles."""

    def __init__(self, pool: Pool, config: ServerConfig, engine: Engine) -> None:
        self._pool = pool
        self._config = config
        self._engine = engine
        self._forms = asyncio.Semaphore(_FORMS_AT_ONCE)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. A failure becomes ClickHouse's exception, a vanished client a log line."""
        if request.method != "POST" and request.raw_path in ("/", "", "/query"):
            return web.Response(text="Ok.\n")  # http_server_default_response, which health checks ask for
        started = time.monotonic()
        outcome = _Outcome()
        head = Head()
        ask: Ask | None = None
        lease: Lease | None = None
        try:
            fields = url_fields(request)
            user = authenticate(request.headers, fields, self._config.writer_password)
            body = Body(request, self._config, is_set(fields, "decompress"))
            ask = await self._read(request, user, fields, body)
            head = self._head(ask)
            lease = await self._lease(ask)
            return await self._run(_Exchange(request, ask, lease, head, body, outcome))
        except ClickHouseError as error:
            outcome.code = error.code
            return error_response(error, head)
        except asyncio.CancelledError:
            outcome.code = QUERY_WAS_CANCELLED
            raise
        finally:
            if lease is not None:
                await lease.release()
            _report(ask, lease, outcome, time.monotonic() - started)

    async def _read(self, request: web.Request, user: User, fields: Mapping[str, str], body: Body) -> Ask:
        if request.content_type != "multipart/form-data":
            return read_ask(request, user, fields, None, self._engine.settings)
        async with self._forms:
            form = read_form(await body.all(), request.headers["Content-Type"])
        return read_ask(request, user, fields, form, self._engine.settings)

    def _head(self, ask: Ask) -> Head:
        headers = CIMultiDict(
            {
                "X-ClickHouse-Query-Id": ask.query_id,
                "X-ClickHouse-Timezone": ask.scope.settings.get("session_timezone") or self._engine.timezone,
                "X-ClickHouse-Server-Display-Name": "embedded",
                "Content-Type": "text/plain; charset=UTF-8",
            }
        )
        return Head(headers, shows_progress=ask.progress, blocks=is_set(ask.fields, "compress"))

    async def _lease(self, ask: Ask) -> Lease:
        """Return a lease for the request. Raises ClickHouse's error if another query of this id still runs."""
        same = [lease for lease in self._pool.leases if lease.session.mark.query_id == ask.query_id]
        if same and is_set(ask.scope.settings, "replace_running_query"):
            for lease in same:
                await lease.cancel()
        elif same:
            raise ClickHouseError(
                QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, f"Query with id = {ask.query_id} is already running."
            )
        named = None
        if ask.session is not None:
            named = self._pool.named.take(ask.mark.user, ask.session)
        lease = await self._pool.lease(ask.mark, named)
        lease.closes_session = ask.session is not None and ask.session.closes
        return lease

    async def _run(self, this: _Exchange) -> web.StreamResponse:
        text = this.ask.text
        if not this.ask.form:
            begun = await this.body.head(_HEAD_BYTES)
            text = text + b"\n" + begun if text and begun else text + begun
        insert = split_insert(text)
        if insert is None and not this.ask.form:
            text = await this.body.whole(text, self._config.query_bytes)
            insert = split_insert(text) if len(text) > _HEAD_BYTES else None
        await this.lease.call(this.lease.session.open, this.ask.scope, text[:_HEAD_BYTES])
        if insert is not None:
            this.outcome.kind = "INSERT"
            return await self._insert(this, insert, text[insert.data_at :])
        return await self._query(this, without_data(text).decode(errors="surrogateescape"))

    async def _insert(self, this: _Exchange, insert: Insert, begun: bytes) -> web.StreamResponse:
        session, lease = this.lease.session, this.lease
        await lease.call(session.judge_insert, insert, this.ask.mark.user is User.READER)
        lease.readonly = False
        await lease.call(session.begin_insert)
        async for piece in this.body.rest(begun):
            await lease.call(session.append, piece)
        await _failpoint(Failpoint.CLICKHOUSE_RECEIVED, this.request)
        await lease.call(session.finish_insert, insert)
        await _failpoint(Failpoint.CLICKHOUSE_STORED, this.request)
        await lease.release()
        this.head.progress = session.progress.counts
        return complete_response(b"", this.head.headers, this.head)

    async def _query(self, this: _Exchange, sql: str) -> web.StreamResponse:
        session, lease, ask = this.lease.session, this.lease, this.ask
        if not sql:
            raise ClickHouseError(SYNTAX_ERROR, "Syntax error: Empty query")
        kill = read_kill(sql, ask.mark.user)
        if kill is not None:
            return await self._kill(this, sql, kill)
        this.outcome.kind = await lease.call(session.judge, sql, ask.mark.user is User.READER)
        lease.readonly = this.outcome.kind == "READ_ONLY"
        wanted = output_format(sql.encode(errors="surrogateescape")) or ask.default_format
        if lease.readonly:
            self._say_format(this, wanted)
        encoder = encoder_of(this.request.headers, ask.fields)
        answer = Answer(this.request, this.head, encoder, self._config, ask.waits)
        try:
            async for piece in self._pieces(this, sql, wanted):
                this.head.progress = session.progress.counts
                await answer.write(piece)
            if lease.cancelled:
                raise ClickHouseError(QUERY_WAS_CANCELLED, "Query was cancelled.")
            await lease.release()  # before the answer's end: the client may use its session again at once
            return await answer.finish(session.progress.counts)
        except ClickHouseError as error:
            this.outcome.code = error.code
            await lease.release()
            return await answer.fail(error)
        except ClientGone as gone:
            this.outcome.code = SOCKET_TIMEOUT
            note(_log.warning, "client_gone", query_id=ask.query_id, why=str(gone))
            raise web.HTTPRequestTimeout from None  # nobody reads this: the connection is closed

    def _say_format(self, this: _Exchange, name: str) -> None:
        of_format = self._engine.content_types.get(name.lower(), "")
        if name.lower() == "jsoneachrow" and is_set(this.ask.fields, "output_format_json_array_of_rows"):
            of_format = "application/json; charset=UTF-8"
        this.head.headers["X-ClickHouse-Format"] = name
        this.head.headers["Content-Type"] = of_format or "text/plain; charset=UTF-8"

    async def _pieces(self, this: _Exchange, sql: str, wanted: str) -> AsyncIterator[bytes]:
        """Yield the answer of a statement as it is made."""
        session, lease, ask = this.lease.session, this.lease, this.ask
        if not lease.readonly:
            yield await lease.call(session.change, sql, ask.default_format)
        elif wanted.lower() in _IN_BLOCKS and not is_set(ask.fields, "output_format_json_array_of_rows"):
            framing = ask.revision and wanted.lower() == "native"
            types = await lease.call(session.types, sql) if framing else []
            fetch = await lease.call(session.blocks, sql, ask.default_format)
            if framing:
                fetch = framed(fetch, ask.revision, types)
            while piece := await lease.call(fetch):
                yield piece
        else:
            pipe = session.pipe()
            running = lease.start(session.read, sql, ask.default_format, pipe)
            async for piece in pipe.pieces(running):
                yield piece
            await asyncio.shield(running)

    async def _kill(self, this: _Exchange, sql: str, kill: Kill) -> web.StreamResponse:
        """Cancel queries; the answer lists them, as ClickHouse's does."""
        session, lease, mark = this.lease.session, this.lease, this.ask.mark
        this.outcome.kind = "KILL"
        await lease.call(session.judge, sql, False)
        for read in (kill.targets(mark), kill.answer(mark)):
            if await lease.call(session.judge, read, False) != "READ_ONLY":
                raise ClickHouseError(SYNTAX_ERROR, "Syntax error: the condition of KILL QUERY is no condition.")
        tags = (await lease.call(session.run, kill.targets(mark), "TSVRaw")).decode().split()
        listed = await lease.call(session.run, kill.answer(mark), this.ask.default_format)
        for other in [one for one in self._pool.leases if one.session.mark.tag in tags and one is not lease]:
            if not kill.tests:
                await other.cancel(wait=kill.waits)
        await lease.release()
        this.head.progress = session.progress.counts
        body = encoder_of(this.request.headers, {**this.ask.fields, "enable_http_compression": "0"})
        return complete_response(body.feed(listed) + body.end(), this.head.headers, this.head)


def _report(ask: Ask | None, lease: Lease | None, outcome: _Outcome, seconds: float) -> None:
    counts = lease.session.progress.counts if lease else {}
    note(
        _log.info,
        "query_finished",
        query_id=ask.query_id if ask else "",
        user=ask.mark.user.value if ask else "",
        kind=outcome.kind,
        code=outcome.code,
        elapsed_ms=round(seconds * 1000, 1),
        **{name: counts.get(name, 0) for name in ("read_rows", "written_rows")},
    )


async def _failpoint(name: Failpoint, request: web.Request) -> None:
    armed = failpoints.take(name)
    if armed is None:
        return
    if armed.action is Action.SLEEP:
        await asyncio.sleep(armed.seconds)
    elif armed.action is Action.CUT and request.transport is not None:
        request.transport.abort()
        await asyncio.Event().wait()  # until this handler is cancelled because its client is gone
    else:
        failpoints.act(armed)
