"""From finished flushes to a collector's answer: pack them, send them again until it has them, report each once."""

import logging
import random
import time
from collections import deque

from impression_streams import log
from impression_streams.delivery import Delivery, Rejection
from impression_streams.encode import parse_flush
from impression_streams.http.answer import Named, Outcome, Verdict, judge
from impression_streams.http.batch import MAX_BYTES, MAX_BYTES_BESIDE_TOKENS, MAX_FLUSHES, MAX_TOKEN_LINES, Batch, take
from impression_streams.http.connection import Connection, Result, Target
from impression_streams.outgoing import Outgoing
from impression_streams.sending import GIVEN_UP, Done, Post

# The first pause after a failure is drawn from 0 to this, and each further one from twice as much, up to the longest:
# after an outage, all producers would otherwise come at once.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# What Retry-After asks for is exceeded by up to this share, for the same reason.
LATER_SHARE = 0.5
# How long a user's flushes wait for the user's token, at least, after there was none.
TOKEN_SECONDS = 2.0
# A collector, or a proxy before it, that takes less than this at once takes no flush either.
LEAST_BYTES = 16 * 1024
# Longer than this nobody is kept waiting: it is rather a mistake of some proxy than what a collector asks for.
LONGEST_WAIT_SECONDS = 300.0
UNAUTHORISED = "unauthorised"
NOT_THIS_USER = "the collector refused it as unauthorised: the token is not one for this user"


class HttpSender:
    """Sends flushes to a collector. One thread, the producer's own, calls everything.

    What comes while all connections are busy is the next request. After a failure nothing is sent on any of them for a
    while: what is overloaded is not asked again by the next one.
    """

    topic_is_missing = False  # a collector has one topic, and answers 503 without it
    looks = 0

    def __init__(self, target: Target, connections: int, linger: float, post: Post, done: Done) -> None:
        self.retries = 0
        self.threads: set[int] = set()
        self._post = post
        self._done = done
        self._connections = [Connection(target, post, self._answered, self.threads) for _ in range(connections)]
        self._again: deque[Batch] = deque()  # what failed, in order, before all that is ready
        self._ready: deque[Outgoing] = deque()
        self._tokens = target.tokens
        self._linger = linger  # how long a flush waits for others (s)
        self._limit = MAX_BYTES_BESIDE_TOKENS if target.tokens.is_by_user else MAX_BYTES
        self._most_users = MAX_TOKEN_LINES if target.tokens.is_by_user else MAX_FLUSHES
        self._renewed: set[Outgoing] = set()  # sent again with a new token, and not reported yet
        self._failures = 0  # in a row
        self._resume_at = 0.0  # nothing is sent before (monotonic, s)
        self._abandoned = False
        self._trouble = ""  # why nothing is acknowledged at present, as far as known
        self._outage, self._rejections = log.Trouble(), log.Trouble()

    def start(self) -> None:
        """Do nothing: each connection's thread starts with its first request."""

    def stop(self) -> None:
        """Let the threads end."""
        for connection in self._connections:
            connection.stop()

    def submit(self, outgoing: Outgoing) -> None:
        """Send a record with the next request. Never blocks."""
        self._ready.append(outgoing)
        if self._abandoned:
            self.abandon()

    def abandon(self) -> None:
        """Give up: report every record that is not acknowledged by now as failed."""
        self._abandoned = True
        for connection in self._connections:
            if connection.batch is not None:
                self._again.append(connection.batch)
                connection.batch = None
                connection.cut()
        waiting = [(item, batch.trouble) for batch in self._again for item in batch.items]
        waiting += [(item, self._trouble) for item in self._ready]
        self._again.clear()
        self._ready.clear()
        for item, trouble in waiting:
            self._give_up(item, trouble)

    def next_retry(self) -> float | None:
        """Return when `tick` has something to do (monotonic, s)."""
        times = [each.overdue_at for each in self._connections if each.batch is not None and not each.is_cut]
        times += [batch.give_up_at for batch in self._again]
        if self._ready:
            times.append(self._ready[0].give_up_at)
        if self._idle() is not None:
            times += [max(self._resume_at, batch.not_before) for batch in self._again]
            if self._ready:
                times.append(max(self._resume_at, self._ready[0].started + self._linger))
        return min(times) if times else None

    def tick(self, now: float) -> None:
        """Give up what waits for too long, end what takes too long, and send what can be sent."""
        for connection in self._connections:
            if connection.batch is not None and connection.overdue_at <= now and not connection.is_cut:
                connection.cut()
        self._expire(now)
        while now >= self._resume_at and (idle := self._idle()) is not None:
            batch = self._next(now)
            if batch is None:
                return
            idle.send(batch, now)

    def _next(self, now: float) -> Batch | None:
        again = next((each for each in self._again if each.not_before <= now), None)
        if again is not None:
            self._again.remove(again)
            return again
        if self._ready and (now >= self._ready[0].started + self._linger or len(self._ready) >= MAX_FLUSHES):
            return take(self._ready, self._limit, self._most_users)
        return None

    def _idle(self) -> Connection | None:
        return next((each for each in self._connections if each.batch is None), None)

    def _expire(self, now: float) -> None:
        """Report what waits beyond its time; the rest of a batch stays together, each line as it was."""
        for batch in [each for each in self._again if each.give_up_at <= now]:
            rest = Batch((item for item in batch.items if item.give_up_at > now), batch.not_before, batch.trouble)
            place = self._again.index(batch)
            self._again.remove(batch)
            if rest.items:
                self._again.insert(place, rest)
            for item in batch.items:
                if item.give_up_at <= now:
                    self._give_up(item, batch.trouble or self._trouble)
        while self._ready and self._ready[0].give_up_at <= now:
            self._give_up(self._ready.popleft(), self._trouble)

    def _answered(self, connection: Connection, result: Result) -> None:
        batch, connection.batch = connection.batch, None
        if batch is None:  # abandoned
            return
        now = time.monotonic()
        if result.missing:
            self._postpone([item for item in batch.items if item.user_id in result.missing], result.missing, now)
            batch = Batch(item for item in batch.items if item.user_id not in result.missing)
        if not batch.items:
            return
        if result.answer is None:
            verdict = Verdict(Outcome.AGAIN, result.trouble)
        else:
            verdict = judge(result.answer, len(result.lines), time.time())
        if verdict.outcome is Outcome.STORED:
            self._stored(batch, result.lines, verdict, now)
        elif verdict.limited:
            self._limited(batch, {result.lines[line] for line in verdict.limited}, verdict, now)
        elif verdict.outcome is Outcome.AGAIN:
            self._failed(batch, verdict, now)
        elif verdict.outcome is Outcome.UNAUTHORISED:
            self._renew(batch.items, verdict.detail, now)
        elif verdict.outcome is Outcome.TOO_LARGE and len(batch.items) > 1:
            self._limit = max(LEAST_BYTES, min(self._limit, batch.size // 2))
            self._again.extendleft(reversed(batch.halves()))
        else:
            for item in batch.items:
                self._report(item, verdict.detail, now)

    def _postpone(self, items: list[Outgoing], reasons: dict[str, str], now: float) -> None:
        """Let records without a token wait, and nothing else."""
        detail = next(iter(reasons.values()))
        self._outage.event(now, logging.WARNING, "token_missing", users=len(reasons), detail=detail)
        self.retries += len(items)
        self._again.append(Batch(items, now + TOKEN_SECONDS * random.uniform(1.0, 1.0 + LATER_SHARE), detail))

    def _limited(self, batch: Batch, limited: set[int], verdict: Verdict, now: float) -> None:
        """Let the records of users who have sent too much wait, and send the others of the batch at once."""
        waiting = [item for number, item in enumerate(batch.items) if number in limited]
        if not waiting:
            self._failed(batch, verdict, now)
            return
        self._outage.event(now, logging.WARNING, "users_limited", records=len(waiting), detail=verdict.detail)
        self.retries += len(batch.items)
        others = [item for number, item in enumerate(batch.items) if number not in limited]
        self._again.append(Batch(waiting, now + _later(verdict.wait or FIRST_PAUSE_SECONDS), verdict.detail))
        if others:
            self._again.appendleft(Batch(others))

    def _failed(self, batch: Batch, verdict: Verdict, now: float) -> None:
        """Send nothing for a while, and then the same again."""
        self._outage.event(now, logging.WARNING, "collector_failed", detail=verdict.detail)
        if verdict.wait is None:
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 16))
            pause = random.uniform(0.0, longest)
        else:
            pause = _later(verdict.wait)
        if now >= self._resume_at:  # of several connections that fail together, one counts
            self._failures += 1
        self._resume_at = max(self._resume_at, now + pause)
        self._trouble = batch.trouble = verdict.detail
        self.retries += len(batch.items)
        self._again.append(batch)

    def _renew(self, items: list[Outgoing], detail: str, now: float) -> None:
        """Send what was refused for its token once more at once with a new one, if there may be one."""
        again: list[Outgoing] = []
        for item in items:
            if self._tokens.can_renew and item not in self._renewed:
                self._renewed.add(item)
                self._tokens.refuse(item.user_id if self._tokens.is_by_user else "")
                again.append(item)
            else:
                self._report(item, detail, now)
        if again:
            self.retries += len(again)
            self._again.appendleft(Batch(again, trouble=detail))

    def _stored(self, batch: Batch, lines: list[int], verdict: Verdict, now: float) -> None:
        self._trouble, self._failures = "", 0
        self._outage.over(now, "outage_over")
        if verdict.rejected:
            reasons = sorted({named.reason for named in verdict.rejected})
            self._rejections.event(now, logging.WARNING, "rejected", count=len(verdict.rejected), reasons=reasons[:5])
        by_item: dict[int, list[Named]] = {}
        for each in verdict.rejected:
            by_item.setdefault(lines[each.line], []).append(each)
        refused: list[Outgoing] = []
        for number, item in enumerate(batch.items):
            named = by_item.get(number, [])
            if item.flush_id and any(each.reason == UNAUTHORISED for each in named):
                refused.append(item)
            else:
                self._report(item, None, now, _rejections(item, named))
        self._renew(refused, NOT_THIS_USER, now)

    def _give_up(self, item: Outgoing, trouble: str) -> None:
        self._report(item, f"{GIVEN_UP}: {trouble}" if trouble else GIVEN_UP, time.monotonic())

    def _report(self, item: Outgoing, error: str | None, now: float, rejected: tuple[Rejection, ...] = ()) -> None:
        self._renewed.discard(item)
        latency_ms = (now - item.started) * 1000
        place = (-1, -1)  # the collector's answer doesn't say
        self._done(item, Delivery(item.flush_id, item.user_id, item.impressions, *place, latency_ms, error, rejected))


def _later(wait: float) -> float:
    """Return for how long to wait (s) if so many were asked for."""
    return min(LONGEST_WAIT_SECONDS, wait) * random.uniform(1.0, 1.0 + LATER_SHARE)


def _rejections(item: Outgoing, named: list[Named]) -> tuple[Rejection, ...]:
    """Return what was named of a record, with the ids of its impressions."""
    if not named or not item.flush_id:
        return tuple(Rejection(each.reason, each.index, line=each.line) for each in named)
    impressions = parse_flush(item.line or b"").impressions
    ids = {index: impression.impression_id for index, impression in enumerate(impressions)}
    return tuple(Rejection(each.reason, each.index, ids.get(each.index, "")) for each in named)
