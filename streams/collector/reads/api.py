"""The read API's routes (contract §7, docs/reference/read-api.md): coverage, unseen, history.

The server mounts them, starts and stops the `Reads` behind them, and says by `claims` who asks.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streams.collector.reads import cursors
from streams.collector.reads.answers import found, matches, not_modified, validator, wrong
from streams.collector.reads.openapi import LIMIT, MOST
from streams.collector.reads.requests import Claims, identifier, observed, one, user
from streams.collector.reads.service import Coverage, Reads
from streams.collector.reads.timeline import Key

_LAST_MS = 9_999_999_999_999


def routes(reads: Reads, claims: Claims = lambda request: None) -> list[Route]:
    """Return the routes. They answer once `reads` has started, and 503 before."""
    api = _Api(reads, claims)
    return [
        Route(f"/v1/users/{{user}}/{name}", observed(name, call), methods=["GET"], name=name)
        for name, call in (("coverage", api.coverage), ("unseen", api.unseen), ("history", api.history))
    ]


class _Api:
    def __init__(self, reads: Reads, claims: Claims) -> None:
        self._reads, self._claims = reads, claims

    async def coverage(self, request: Request) -> Response:
        user_id, pool_id = user(request, self._claims), _pool(request)
        covered = await self._reads.coverage(user_id)
        body = _coverage_body(covered, pool_id)
        if covered.stale:
            return found(body, None)
        # The hour before the query moves by itself, so that only the answer says whether it is another one.
        tag = validator(repr(body))
        return not_modified(tag) if matches(request, tag) else found(body, tag)

    async def unseen(self, request: Request) -> Response:
        user_id, pool_id, limit = user(request, self._claims), _pool(request), _limit(request)
        if pool_id is None:
            raise wrong("pool is missing: name the pool, as in ?pool=main.")
        cursor = request.query_params.get("cursor")
        first = 0 if cursor is None else cursors.read_unseen(cursor, pool_id)
        if (tag := self._unchanged(request, user_id)) is not None:
            return not_modified(tag)
        tag = self._tag(request, user_id)
        rows = await self._reads.unseen(user_id, pool_id, first, limit + 1)
        items = [{"artwork_id": artwork_id, "ordinal": ordinal} for artwork_id, ordinal in rows[:limit]]
        more = cursors.unseen(pool_id, rows[limit][1]) if len(rows) > limit else None
        return found({"items": items, "next": more}, tag)

    async def history(self, request: Request) -> Response:
        user_id, limit, before = user(request, self._claims), _limit(request), _before(request)
        if (tag := self._unchanged(request, user_id)) is not None:
            return not_modified(tag)
        tag = self._tag(request, user_id)
        rows = await self._reads.history(user_id, before, limit + 1)
        items = [
            {
                "artwork_id": row.artwork_id,
                "pool_id": row.pool_id or None,
                "seen_at": row.seen_at,
                "surface": row.surface or None,
                "fresh": row.fresh,
            }
            for row in rows[:limit]
        ]
        return found({"items": items, "next": cursors.history(rows[limit - 1].key) if len(rows) > limit else None}, tag)

    def _tag(self, request: Request, user_id: str) -> str:
        """Return the tag of an answer that is made now, or later: then it may already be another one's."""
        return validator(self._reads.version(user_id), request.url.path, request.url.query)

    def _unchanged(self, request: Request, user_id: str) -> str | None:
        """Return the tag if the client has the answer that it would get now. Nothing is asked for this."""
        self._reads.require_current()
        tag = self._tag(request, user_id)
        return tag if matches(request, tag) else None


def _coverage_body(covered: Coverage, pool_id: str | None) -> dict[str, Any]:
    pools = [pool._asdict() for pool in covered.pools if pool_id is None or pool.pool_id == pool_id]
    return {"pools": pools, **({"stale": True, "as_of": covered.as_of} if covered.stale else {})}


def _pool(request: Request) -> str | None:
    given = one(request, "pool")
    return None if given is None else identifier(given, "pool")


def _limit(request: Request) -> int:
    given = one(request, "limit")
    limit = LIMIT if given is None else _integer(given)
    if not 1 <= limit <= MOST:
        raise wrong(f"limit is an integer from 1 to {MOST}.")
    return limit


def _before(request: Request) -> Key | None:
    """Return the key below which the history begins: the cursor's, or that of `before`, whichever is lower."""
    cursor, given = one(request, "cursor"), one(request, "before")
    keys: list[Key] = [] if cursor is None else [cursors.read_history(cursor)]
    if given is not None:
        before = _integer(given)
        if not 0 <= before <= _LAST_MS:
            raise wrong(f"before is a time in ms since the epoch, at most {_LAST_MS}.")
        keys.append((before, ""))
    return min(keys, default=None)


def _integer(text: str) -> int:
    """Return a decimal integer, or -1 for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else -1
