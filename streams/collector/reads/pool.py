"""Connections to ClickHouse for reading: a bounded number, and an answer in time or none.

Who asks waits for a free connection and for the answer together no longer than IMPRESSIONS_READS_TIMEOUT_SECONDS. A
query that was given up is cancelled by the server: it sees that the connection is gone, or that its own time is over.

Costly questions, which may take that long because of what they ask for, have a part of the connections: whatever they
take, the others are left to everyone else.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import nullcontext

import aiohttp

from streams.collector.reads.errors import AwayError, CostlyError
from streams.runtime import log
from streams.runtime.limited import Limited
from streams.settings import Settings, read_secret

log_failed = Limited(log.get(__name__), "clickhouse_failed")

# A user who has seen a million artworks takes 30 MB of JSON.
MOST_BYTES = 64 << 20
PIECE_BYTES = 1 << 16
# One question of each kind of a partition is open at a time; more at once would only wait for each other.
CONNECTIONS = 4
COSTLY = 2
# Shorter than any server keeps an idle connection: a question on one that the server has just closed would fail.
IDLE_SECONDS = 2.0
LONGEST_TEXT = 300
_HEADER = "X-ClickHouse-Exception-Code"


class Pool:
    """A pool of one event loop. `start` before the first question, `stop` after the last."""

    def __init__(self, settings: Settings) -> None:
        """Raises UserError if the password's file can't be read."""
        self._settings = settings
        self._seconds = settings.reads_timeout_seconds
        password = settings.reads_clickhouse_password_file
        self._headers = {
            "X-ClickHouse-User": settings.reads_clickhouse_user,
            "X-ClickHouse-Key": read_secret(password, "IMPRESSIONS_READS_CLICKHOUSE_PASSWORD_FILE") if password else "",
        }
        self._session: aiohttp.ClientSession | None = None
        self._costly = asyncio.Semaphore(COSTLY)
        self._answered = 0.0  # when a question was answered last, by a monotonic clock

    async def start(self) -> None:
        """Open the pool, without a connection yet."""
        settings = self._settings
        context: ssl.SSLContext | bool = True
        if settings.clickhouse_url.startswith("https:") and settings.clickhouse_ca_file:
            context = ssl.create_default_context(cafile=str(settings.clickhouse_ca_file))
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context, keepalive_timeout=IDLE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)

    async def stop(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(
        self, statement: str, parameters: Mapping[str, str], seconds: float | None = None, costly: bool = False
    ) -> bytes:
        """Return a query's rows as JSONCompactEachRow. Raises AwayError if there is no good answer in time.

        The time (s) is the setting's, unless it is given.
        """
        begun = time.monotonic()
        if self._session is None:
            raise AwayError("the reads are not running")
        seconds = self._seconds if seconds is None else seconds
        query = {
            "default_format": "JSONCompactEachRow",
            "max_execution_time": f"{max(0.1, seconds):g}",
            # An error in the middle of an answer would otherwise be its end.
            "wait_end_of_query": "1",
            **{f"param_{name}": value for name, value in parameters.items()},
        }
        text = statement.replace("{db}", self._settings.clickhouse_database)
        try:
            async with asyncio.timeout(seconds), self._costly if costly else nullcontext():
                answer = await self._ask(self._session, text, query)
            self._answered = time.monotonic()
            return answer
        except TimeoutError:
            kind = CostlyError if self._answered > begun else AwayError
            raise kind(f"ClickHouse gave no answer within {seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            log_failed(error=type(error).__name__)
            raise AwayError("ClickHouse can't be reached") from error

    async def _ask(self, session: aiohttp.ClientSession, text: str, query: Mapping[str, str]) -> bytes:
        url = self._settings.clickhouse_url
        async with session.post(url, params=query, data=text.encode(), allow_redirects=False) as response:
            answer = bytearray()
            async for piece in response.content.iter_chunked(PIECE_BYTES):
                answer += piece
                if len(answer) > MOST_BYTES:
                    raise CostlyError(f"ClickHouse's answer is above {MOST_BYTES >> 20} MiB")
            if response.status != 200:
                code = response.headers.get(_HEADER, "none")
                text = bytes(answer[:LONGEST_TEXT]).decode(errors="replace").split("\n", 1)[0]
                log_failed(status=response.status, code=code, detail=text)
                raise AwayError(f"ClickHouse answers with an error (code {code})")
            return bytes(answer)
