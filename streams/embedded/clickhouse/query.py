"""One request from its first byte to its log line."""

import asyncio
import time
import uuid
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict

from streams.embedded.clickhouse.answer import Answer, ClientGone, complete_response, error_response
from streams.embedded.clickhouse.ask import Ask, read_ask, read_form
from streams.embedded.clickhouse.body import Body
from streams.embedded.clickhouse.config import ServerConfig
from streams.embedded.clickhouse.encode import negotiate
from streams.embedded.clickhouse.errors import (
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    QUERY_WAS_CANCELLED,
    SOCKET_TIMEOUT,
    SYNTAX_ERROR,
    ClickHouseError,
)
from streams.embedded.clickhouse.native import CUSTOM_SERIALIZATION_REVISION, framed
from streams.embedded.clickhouse.pool import Lease, Pool
from streams.embedded.clickhouse.statement import Insert, is_insert, output_format, split_insert
from streams.embedded.clickhouse.users import User, authenticate
from streams.runtime import failpoints, log
from streams.runtime.failpoints import Action, Failpoint

_log = log.get(__name__)

# The statement of an insert ends within this: the engine's own max_query_size.
_HEAD_BYTES = 256 << 10


@dataclass
class _Outcome:
    """What is logged about a request. `kind` is its statement's kind; the text is never logged."""

    kind: str = ""
    code: int = 0


def _rows(lease: Lease | None) -> dict[str, int]:
    counts = lease.session.progress.counts if lease else {}
    return {name: counts.get(name, 0) for name in ("read_rows", "written_rows")}


class Queries:
    """Answers queries with the engine's handles."""

    def __init__(self, pool: Pool, config: ServerConfig, timezone: str) -> None:
        self._pool = pool
        self._config = config
        self._timezone = timezone

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. A failure becomes ClickHouse's exception, a vanished client a log line."""
        started = time.monotonic()
        outcome = _Outcome()
        ask: Ask | None = None
        lease: Lease | None = None
        try:
            user = authenticate(request.headers, request.query, self._config.writer_password)
            ask = read_ask(request, user)
            if request.content_type == "multipart/form-data":
                ask = await read_form(request, ask)
            lease = await self._pool.lease(user, uuid.uuid4().hex)
            return await self._run(request, ask, lease, outcome)
        except ClickHouseError as error:
            outcome.code = error.code
            return error_response(error, self._headers(ask) if ask else None)
        except asyncio.CancelledError:
            outcome.code = QUERY_WAS_CANCELLED
            raise
        finally:
            if lease is not None:
                await lease.release()
            _log.info(
                "query_finished",
                query_id=ask.query_id if ask else "",
                user=ask.user.value if ask else "",
                kind=outcome.kind,
                code=outcome.code,
                elapsed_ms=round((time.monotonic() - started) * 1000, 1),
                **_rows(lease),
            )

    def _headers(self, ask: Ask) -> CIMultiDict[str]:
        return CIMultiDict(
            {
                "X-ClickHouse-Query-Id": ask.query_id,
                "X-ClickHouse-Timezone": ask.scope.settings.get("session_timezone") or self._timezone,
                "X-ClickHouse-Server-Display-Name": "embedded",
            }
        )

    async def _run(self, request: web.Request, ask: Ask, lease: Lease, outcome: _Outcome) -> web.StreamResponse:
        body = Body(request, self._config)
        text = ask.text
        if not ask.form:
            head = await body.head(_HEAD_BYTES)
            text = text + b"\n" + head if text and head else text + head
        await lease.call(lease.session.open, ask.scope, ask.external)
        insert = split_insert(text)
        if insert is not None:
            outcome.kind = "INSERT"
            return await self._insert(request, ask, lease, insert, text[insert.data_at :], body)
        if not ask.form:
            text = await body.whole(text, self._config.query_bytes)
        return await self._query(request, ask, lease, text, outcome)

    async def _insert(
        self, request: web.Request, ask: Ask, lease: Lease, insert: Insert, begun: bytes, body: Body
    ) -> web.StreamResponse:
        session = lease.session
        whole = f"{insert.sql} {insert.settings} FORMAT {insert.format}"
        await lease.call(session.judge, whole, ask.user is User.READER)
        lease.readonly = False
        await lease.call(session.begin_insert)
        async for piece in body.rest(begun):
            await lease.call(session.append, piece)
        await _failpoint(Failpoint.CLICKHOUSE_RECEIVED, request)
        await lease.call(session.finish_insert, insert.sql, insert.format, insert.settings)
        await _failpoint(Failpoint.CLICKHOUSE_STORED, request)
        return complete_response(b"", self._headers(ask), session.progress.counts)

    async def _query(
        self, request: web.Request, ask: Ask, lease: Lease, text: bytes, outcome: _Outcome
    ) -> web.StreamResponse:
        session = lease.session
        try:
            sql = text.decode().strip().rstrip(";")
        except UnicodeDecodeError:
            raise ClickHouseError(BAD_ARGUMENTS, "The query isn't UTF-8.") from None
        if not sql:
            raise ClickHouseError(SYNTAX_ERROR, "Syntax error: Empty query")
        outcome.kind = await lease.call(session.judge, sql, ask.user is User.READER)
        own_format = output_format(text)
        if own_format and is_insert(text):
            raise ClickHouseError(NOT_IMPLEMENTED, "INSERT ... SELECT FROM input() is not offered; insert the data.")
        lease.readonly = outcome.kind == "READ_ONLY"
        headers = self._headers(ask)
        wanted = own_format or ask.default_format
        if lease.readonly:
            headers["X-ClickHouse-Format"] = wanted
            headers["Content-Type"] = "text/plain; charset=UTF-8"
        hold = self._config.waited_bytes if ask.waits else self._config.held_bytes
        encoder = negotiate(request.headers, request.query)
        answer = Answer(request, headers, encoder, hold, self._config.send_timeout_seconds)
        try:
            if lease.readonly:
                fetch = await lease.call(session.read, sql, wanted, ask.default_format)
                if ask.revision >= CUSTOM_SERIALIZATION_REVISION and wanted.lower() == "native":
                    fetch = framed(fetch)
                while piece := await lease.call(fetch):
                    await answer.write(piece)
            else:
                await answer.write(await lease.call(session.run, sql, ask.default_format))
            return await answer.finish(session.progress.counts)
        except ClickHouseError as error:
            outcome.code = error.code
            return await answer.fail(error)
        except ClientGone as gone:
            outcome.code = SOCKET_TIMEOUT
            _log.warning("client_gone", query_id=ask.query_id, why=str(gone))
            raise web.HTTPRequestTimeout from None  # nobody reads this: the connection is closed


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
