"""`POST /v1/impressions`: takes a request's flushes, and answers once the brokers have them."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from streams.collector import observe
from streams.collector.errors import LineRefusedError, UnavailableError
from streams.collector.http.body import FullError, Receive, received
from streams.collector.http.heads import Head, Scope, values
from streams.collector.http.limits import Limits
from streams.collector.log import Log
from streams.collector.rules import addresses, answers, bodies
from streams.collector.rules.answers import Answer
from streams.collector.rules.authority import Authority, bearer
from streams.collector.rules.bodies import Body, BodyError
from streams.collector.rules.bots import is_bot
from streams.collector.rules.buckets import Buckets
from streams.collector.rules.budget import Budget, Share
from streams.collector.rules.cors import Cors
from streams.collector.rules.reading import Reader, Reading
from streams.collector.rules.tokens import Tokens
from streams.core.judge import Rules
from streams.runtime import failpoints
from streams.runtime.failpoints import Failpoint

# The rules' words for what is wrong with a body, as the metric has them.
_REASONS = {
    "sent_bytes": "body_bytes",
    "inflated_bytes": "inflated_bytes",
    "gzip_members": "inflated_bytes",
    "gzip": "encoding",
    "encoding": "encoding",
    "query": "encoding",
    "content_type": "media_type",
    "charset": "media_type",
    "content_length": "http",
    "pieces": "flushes",
    "piece_time": "piece_time",
    "body_time": "body_time",
}
# How long to stay away at least (s) while the brokers or the budget are the trouble.
BUSY_SECONDS = 1.0


@dataclass(frozen=True)
class Door:
    """What a request is judged by."""

    log: Log
    rules: Rules
    budget: Budget
    cors: Cors
    proxies: addresses.Proxies
    tokens: Tokens | None
    """None: flushes need no token."""
    by_address: Buckets | None
    by_user: Buckets | None
    log_share: float
    limits: Limits

    def address(self, scope: Scope) -> str:
        """Return what a request is limited by, as far as it isn't its users: its client's address, or /64 network."""
        peer = scope["client"][0] if scope["client"] else ""
        return addresses.key(self.proxies.client(peer, values(scope, self.proxies.header)))

    def wait_of_address(self, address: str) -> float:
        """Take a request from its address's bucket; return 0, or the seconds to wait if that is empty."""
        return 0.0 if self.by_address is None else self.by_address.take(address, 1.0, time.monotonic())

    def wait_of_users(self, users: Mapping[str, int]) -> dict[str, float]:
        """Take a request's impressions from its users' buckets; if one is empty, take none, and return whose (s)."""
        return {} if self.by_user is None else self.by_user.take_all(users, time.monotonic())

    def give_back(self, users: Mapping[str, int]) -> None:
        """Undo the taking for a request that wasn't recorded, and will be sent again."""
        if self.by_user is not None:
            self.by_user.give_back(users)


class Request:
    """One POST, from its head to its answer."""

    def __init__(self, door: Door, scope: Scope, receive: Receive) -> None:
        self._door, self._scope, self._receive = door, scope, receive
        self.head = Head(scope)
        self._body: Body | None = None
        self._reading: Reading | None = None
        self._refused = self._why = ""

    async def answer(self) -> Answer:
        """Take the request in, and return its answer, counted and logged. Raises GoneError if nobody waits for it."""
        is_a_bot = is_bot(self.head.user_agent)
        if is_a_bot:
            observe.bot()
        try:
            answer = await self._answer()
        except BodyError as error:
            answer = self._refuse(_REASONS.get(error.reason, "http"), error.detail, answers.of_error(error))
        finally:
            if self._body is not None:
                observe.received(self._body.sent, self._body.inflated)
        if answer.status == HTTPStatus.ACCEPTED and self._reading is not None:
            observe.recorded(self._reading, self._door.log_share, is_a_bot)
        else:
            ids = [each.flush_id for each in self._reading.logged] if self._reading else []
            sent = self._body.sent if self._body else 0
            observe.failed(answer.status, self._refused, self._why, ids, sent, self.head.origin)
        return answer

    async def _answer(self) -> Answer:
        door, head = self._door, self.head
        if not door.cors.admits(head.origin):
            return self._problem(403, "origin", "this page's origin may not record here")
        gzip = bodies.is_gzip(head.content_type, head.content_encoding, head.query)
        declared = bodies.declared_bytes(head.content_length)
        address = door.address(self._scope)
        if wait := door.wait_of_address(address):
            observe.limited("address")
            return self._problem(429, "limit", "this address sends too many requests", wait)
        with door.budget.share(address) as share:
            if not (share.fits(declared or 0) and door.budget.admits(declared)):
                return self._full(share, declared or 0)
            try:
                partitions = door.log.partitions
            except UnavailableError as error:
                return self._problem(503, "unacknowledged", str(error), BUSY_SECONDS)
            self._body = Body(gzip)
            try:
                whole = await received(self._receive, self._body, share, door.limits)
            except FullError as error:
                return self._full(share, error.size)
            self._reading = await self._read(whole, partitions)
            return await self._append(self._reading)

    def _full(self, share: Share, size: int) -> Answer:
        if not share.fits(size):
            return self._problem(503, "limit", "too much of this address waits; send it again later", BUSY_SECONDS)
        return self._problem(503, "budget", "too much waits for the brokers; send it again later", BUSY_SECONDS)

    async def _read(self, whole: bytes, partitions: int) -> Reading:
        door, head, now = self._door, self.head, time.time()
        authority = Authority(door.tokens, now, head.origin, bearer(head.authorization)) if door.tokens else None
        reader = Reader(whole, now_ms=int(1000 * now), partitions=partitions, rules=door.rules, authority=authority)
        while reader.step():
            await asyncio.sleep(0)  # others' turn
        reading = reader.reading
        if reading.refused["unauthorised"]:
            observe.token_failed(reading.token_reason or "user")
        return reading

    async def _append(self, reading: Reading) -> Answer:
        answer = answers.of_reading(reading)
        if answer.status != HTTPStatus.ACCEPTED:
            observe.judged(reading)
            reason = "forbidden" if answer.status == HTTPStatus.FORBIDDEN else "unreadable"
            return self._refuse(reason, reading.token_error, answer)
        users = reading.users
        if waits := self._door.wait_of_users(users):
            observe.limited("user")
            return self._refuse(
                "limit", answers.TOO_MUCH_OF_A_USER, answers.of_limited(reading, waits, random.random())
            )
        failpoints.hit(Failpoint.COLLECTOR_READ)
        try:
            await self._door.log.append(reading.lines)
        except UnavailableError as error:
            self._door.give_back(users)
            return self._problem(503, "unacknowledged", f"not recorded, or not known to be: {error}", BUSY_SECONDS)
        except LineRefusedError as error:
            return self._problem(413, "body_bytes", f"a line is too large for the brokers: {error}")
        failpoints.hit(Failpoint.COLLECTOR_APPENDED)
        observe.judged(reading)
        return answer

    def _problem(self, status: int, reason: str, detail: str, wait: float = 0.0) -> Answer:
        later = answers.retry_after(wait, random.random()) if wait else ""
        return self._refuse(reason, detail, answers.problem(status, reason, detail, retry_after=later))

    def _refuse(self, reason: str, why: str, answer: Answer) -> Answer:
        self._refused, self._why = reason, why
        observe.refused(reason)
        return answer
