"""From a body to lines for the log, and what the worker will say of them (contract §§3, 6).

A line that has a valid user_id goes to the log byte for byte, good or bad; one that has none is refused here. What will
be rejected is found by the core's own code, as the worker will do it: its decoding, and its rules with a state that has
only this body in it. That state knows less than the worker's, so what is named here will be rejected, while a late
impression whose artwork the user saw in an earlier request is the worker's to know, as duplicates are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from impression_streams.flush import Impression
from streams.collector.rules.authority import Authority, Permission, bearer, token_of
from streams.collector.rules.bodies import TooLargeError
from streams.core import decode_fast
from streams.core.decode import DecodedFlush, InvalidImpression, decode
from streams.core.judge import Rules, Verdict, judge
from streams.core.lines import split
from streams.core.partitioner import partition_of
from streams.core.seen import Seen

__all__ = ["Authority", "Logged", "Reader", "Reading", "Rejected", "bearer", "read"]

MOST_FLUSHES = 500
# Checking a signature takes as long as reading several flushes.
MOST_TOKEN_LINES = 100
# Pieces of one request that are rejected: the answer names each, and finding one that is invalid takes the slow path.
MOST_REJECTED = 5_000
# Lines that are decoded together: less than a ms on the fast path.
_PART_LINES = 64
_PART_BYTES = 128 * 1024
# What a step may do beside that, in units of about a µs: bytes on the slow path, rejecting a piece, checking a token.
_STEP_WORK = 2_000
_BYTES_OF_WORK = 64
_WORK_OF_REJECTING = 5
_WORK_OF_A_TOKEN = 200

_FRESH, _REPEAT = Verdict.FRESH, Verdict.REPEAT
_Impressions = Sequence[decode_fast.Impression] | Sequence[Impression] | Sequence[Impression | InvalidImpression]
_UNAUTHORISED = "unauthorised"


class Rejected(Struct, frozen=True, gc=False):
    """A piece that will be, or was, rejected. `line` counts the body's lines as sent; `index` is -1 for all of it."""

    line: int
    index: int
    reason: str


class Logged(NamedTuple):
    """A line that goes to the log; `flush_id` is "" if it has no valid one."""

    line: int
    user_id: str
    flush_id: str
    impressions: int
    rejected: int


@dataclass(slots=True)
class Reading:
    """What a body holds. Lines count from 0, token lines included."""

    lines: list[tuple[int, bytes]] = field(default_factory=list)  # (partition, line) for the log, in the body's order
    logged: list[Logged] = field(default_factory=list)  # about each of them
    accepted: int = 0  # impressions that aren't rejected, unless they are late; duplicates are among them
    rejected: list[Rejected] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)  # lines that don't go to the log, by reason
    flushes: int = 0  # lines that are no token lines, whatever they hold
    repeats: int = 0  # lines that stand in the body before, byte for byte; they go to the log all the same
    # What is wrong with the first token that is missing or not valid, if a line was refused: a sentence, and a word.
    token_error: str = ""
    token_reason: str = ""

    @property
    def forbidden(self) -> bool:
        """Whether nothing goes to the log, and some of it could with another token: the answer is 403."""
        return not self.lines and self.refused[_UNAUTHORISED] > 0

    @property
    def empty(self) -> bool:
        """Whether nothing in it can be read: the answer is 400."""
        return not self.lines and not self.forbidden

    @property
    def users(self) -> Counter[str]:
        """Impressions for the log by user_id; a line that is wrong as a whole counts as one."""
        users: Counter[str] = Counter()
        for each in self.logged:
            users[each.user_id] += each.impressions or 1
        return users


def read(body: bytes, *, now_ms: int, partitions: int, rules: Rules, authority: Authority | None = None) -> Reading:
    """Read a whole body. Raises TooLargeError if it has too many pieces; other parameters as Reader's."""
    reader = Reader(body, now_ms=now_ms, partitions=partitions, rules=rules, authority=authority)
    while reader.step():
        continue
    return reader.reading


class Reader:
    """Reads a body step by step, so that one large body doesn't hold up everybody else's.

    `now_ms` stands for A, the time at which the broker will append; without an authority, tokens are not required.
    """

    def __init__(
        self, body: bytes, *, now_ms: int, partitions: int, rules: Rules, authority: Authority | None = None
    ) -> None:
        """Raises TooLargeError if the body has more lines than flushes and tokens together may be."""
        if body.count(b"\n") > MOST_FLUSHES + MOST_TOKEN_LINES:
            raise _too_many("lines", MOST_FLUSHES + MOST_TOKEN_LINES)
        self.reading = Reading()
        self._lines = split(body) if body else []
        self._token_lines = self._work = 0
        # Holds this object, until it is exhausted: what is dropped before its end waits for the garbage collector.
        self._steps = self._read()
        self._now_ms, self._partitions, self._rules = now_ms, partitions, rules
        self._permission = Permission(authority)
        self._distinct: set[bytes] = set()
        # What was accepted of this body, by user.
        self._seen: dict[str, Seen] = {}

    def step(self) -> bool:
        """Read some lines more, a few ms long, and return whether to go on. Raises TooLargeError."""
        return next(self._steps, False)

    def _read(self) -> Iterator[bool]:
        """Read all lines; yield where a step ends."""
        lines, rejected = self._lines, self.reading.rejected
        start = 0
        while start < len(lines):
            end = self._end_of_part(start)
            part = lines[start:end]
            for number, line, flush in zip(range(start, end), part, decode_fast.read(part), strict=True):
                before = len(rejected)
                if flush is None:
                    self._carefully(number, line)
                    self._work += len(line) // _BYTES_OF_WORK
                else:
                    self._flush(number, line, flush.user_id, flush.flush_id, flush.impressions)
                if len(rejected) > before:
                    self._work += (len(rejected) - before) * _WORK_OF_REJECTING
                    if len(rejected) > MOST_REJECTED:
                        raise _too_many("pieces that would be rejected", MOST_REJECTED)
                if self._work > _STEP_WORK:
                    self._work = 0
                    yield True
            start = end
            if start < len(lines):
                yield True

    def _end_of_part(self, start: int) -> int:
        """Return the end of the lines that are decoded together."""
        size, end = 0, start
        while end < len(self._lines) and end - start < _PART_LINES and size < _PART_BYTES:
            size += len(self._lines[end])
            end += 1
        return end

    def _carefully(self, number: int, line: bytes) -> None:
        """Read a line that the fast path left: a token line, or one that is unusual or wrong."""
        token = token_of(line)
        if token is not None:
            self._take_token(token)
            return
        decoded = decode(line)
        if isinstance(decoded, DecodedFlush):
            flush = decoded.flush
            self._flush(number, line, flush.user_id, flush.flush_id, decoded.impressions)
            return
        self._count(line)
        if not decoded.user_id:
            self._refuse(number, decoded.reason)
        elif not self._permission.covers(decoded.user_id, ()):
            self._forbid(number)
        else:
            self.reading.rejected.append(Rejected(number, -1, decoded.reason))
            self._log(line, Logged(number, decoded.user_id, decoded.flush_id, 0, 1))

    def _flush(self, number: int, line: bytes, user_id: str, flush_id: str, impressions: _Impressions) -> None:
        self._count(line)
        pools = (each.pool_id for each in impressions if not isinstance(each, InvalidImpression))
        if not self._permission.covers(user_id, pools):
            self._forbid(number)
            return
        seen = self._seen.get(user_id)
        if seen is None:
            seen = self._seen[user_id] = Seen(uncatalogued=set())
        artworks = seen.uncatalogued
        assert isinstance(artworks, set)
        now_ms, rules, rejected = self._now_ms, self._rules, self.reading.rejected
        before = len(rejected)
        for index, impression in enumerate(impressions):
            if isinstance(impression, InvalidImpression):
                rejected.append(Rejected(number, index, "invalid"))
                continue
            verdict = judge(impression, now_ms, rules, seen, None, _no_time)
            if verdict is _FRESH:
                artworks.add(impression.artwork_id)
            elif verdict is not _REPEAT:
                rejected.append(Rejected(number, index, verdict.name.lower()))
        wrong = len(rejected) - before
        self.reading.accepted += len(impressions) - wrong
        self._log(line, Logged(number, user_id, flush_id, len(impressions), wrong))

    def _count(self, line: bytes) -> None:
        self.reading.flushes += 1
        if self.reading.flushes > MOST_FLUSHES:
            raise _too_many("flushes", MOST_FLUSHES)
        if len(self._lines) > 1:
            if line in self._distinct:
                self.reading.repeats += 1
            else:
                self._distinct.add(line)

    def _log(self, line: bytes, about: Logged) -> None:
        self.reading.lines.append((partition_of(about.user_id, self._partitions), line))
        self.reading.logged.append(about)

    def _refuse(self, number: int, reason: str) -> None:
        self.reading.refused[reason] += 1
        self.reading.rejected.append(Rejected(number, -1, reason))

    def _forbid(self, number: int) -> None:
        self._refuse(number, _UNAUTHORISED)
        self.reading.token_error, self.reading.token_reason = self._permission.error, self._permission.reason

    def _take_token(self, token: str) -> None:
        self._token_lines += 1
        if self._token_lines > MOST_TOKEN_LINES:
            raise _too_many("token lines", MOST_TOKEN_LINES)
        checked = self._permission.checked
        self._permission.take(token)
        self._work += (self._permission.checked - checked) * _WORK_OF_A_TOKEN


def _no_time(start: int, artwork_id: str) -> None:
    """Stands for windows that are empty: whether something is a duplicate is the worker's to know."""


def _too_many(what: str, most: int) -> TooLargeError:
    return TooLargeError("pieces", f"the body has more than {most} {what}; send fewer at once")
