"""The rules (contract §3 and §4): what each line of the source leads to, line by line in log order."""

import hashlib
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from typing import Any

from oracle import alike, fields
from oracle.forwards import Place
from oracle.jsontext import Malformed, impression_texts, parse_object
from oracle.murmur import home_of
from oracle.rows import Accepted, LedgerRow, Rejected
from oracle.rules import Record, Rules, lines_of

MIB = 2**20
# A longer line is not read, and kept as its first MiB (contract §3).
_LONGEST_KEPT = 23 * MIB


class Judge:
    """Judges records in the order given: by offset in each partition, a deleted topic before its re-created one."""

    def __init__(self, rules: Rules, partitions: int) -> None:
        # May change between records.
        self.rules = rules
        self._partitions = partitions
        # Lines that the installation gave up on because deciding them killed it: malformed (contract §3).
        self.given_up: set[Place] = set()
        # By event_id.
        self.accepted: dict[str, Accepted] = {}
        self.ledger: list[LedgerRow] = []
        self.rejected: list[Rejected] = []
        # When each user saw each artwork: the seen_at of accepted impressions, sorted.
        self.seen: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        # By partition: windows that start before it (ms) are swept.
        self._swept: defaultdict[int, int] = defaultdict(int)
        # By the place of each forwarded line: its home partition and the SHA-256 of its bytes.
        self.forwards: dict[Place, tuple[int, bytes]] = {}
        self.totals: Counter[str] = Counter()

    def judge(self, record: Record) -> None:
        """Judge each line of the record. Raises ValueError if it has no append time from the broker."""
        window = self.rules.window_ms
        horizon = record.time - self.rules.lateness_at(record.time) - 2 * window
        self._swept[record.partition] = max(self._swept[record.partition], horizon - horizon % window)
        lines = lines_of(record.value)
        rows, refusals = len(self.ledger), len(self.rejected)
        for number, line in enumerate(lines):
            counts = {"accepted": 0, "fresh": 0, "duplicates": 0, "rejected": 0, "forwarded": 0}
            flush = self._judge_line(record, number, line, counts)
            self._account(record, number, line, flush, counts)
        if len(lines) > alike.FIRST_SHARED:
            self.ledger[rows:], self.rejected[refusals:] = alike.share(
                record.value or b"", self.ledger[rows:], self.rejected[refusals:]
            )

    def _judge_line(self, record: Record, number: int, line: bytes, counts: dict[str, int]) -> dict[str, Any]:
        """Judge one line; return the fields of its flush that the ledger may show."""
        if len(line) > _LONGEST_KEPT:
            self._reject(record, number, -1, "oversize", "", line, counts)
            return {}
        place = (record.topic_id, record.partition, record.offset, number)
        try:
            if place in self.given_up:
                raise Malformed("given up")
            flush = parse_object(line)
        except Malformed:
            self._reject(record, number, -1, "malformed", "", line, counts)
            return {}
        impressions = flush.get("impressions")
        reason = ""
        if len(line) > MIB or (type(impressions) is list and len(impressions) > fields.MOST_IMPRESSIONS):
            reason = "oversize"
        elif not fields.is_flush(flush):
            reason = "invalid"
        if reason:
            known = {name: flush[name] for name in ("flush_id", "user_id") if fields.is_id(flush.get(name))}
            self._reject(record, number, -1, reason, known.get("user_id", ""), line, counts)
            return known
        user_id = flush["user_id"]
        home = home_of(user_id, self._partitions)
        if home != record.partition:
            counts["forwarded"] = len(flush["impressions"])
            self.forwards[place] = (home, hashlib.sha256(line).digest())
        else:
            self._judge_impressions(record, number, line, flush, counts)
        return {"transport": "sdk", "reason": "manual", "tier": "free", **flush}

    def _judge_impressions(
        self, record: Record, number: int, line: bytes, flush: dict[str, Any], counts: dict[str, int]
    ) -> None:
        texts: list[bytes] | None = None
        of_user = self.seen[flush["user_id"]]
        for idx, impression in enumerate(flush["impressions"]):
            reason = "invalid" if not fields.is_impression(impression) else self._timing(record, impression, of_user)
            if reason:
                texts = texts or impression_texts(line)
                self._reject(record, number, idx, reason, flush["user_id"], texts[idx], counts)
                continue
            seen_at, times = impression["seen_at"], of_user[impression["artwork_id"]]
            if _is_near(times, seen_at, self.rules.window_ms):
                counts["duplicates"] += 1
                continue
            fresh = not times
            insort(times, seen_at)
            counts["accepted"] += 1
            counts["fresh"] += fresh
            row = self._accepted_row(record, number, idx, flush, impression, fresh)
            if row.event_id in self.accepted:
                raise AssertionError(f"two accepted impressions share event_id {row.event_id}")  # rule 4: they can't
            self.accepted[row.event_id] = row

    def _timing(self, record: Record, impression: dict[str, Any], of_user: dict[str, list[int]]) -> str:
        """Return `future` or `late` where rule 1 says so, otherwise an empty string."""
        rules, at, seen_at = self.rules, record.time, impression["seen_at"]
        if seen_at - at > rules.tolerance_ms:
            return "future"
        old = at - seen_at > rules.lateness_at(at) or seen_at < self._swept[record.partition] + rules.window_ms
        return "late" if old and of_user.get(impression["artwork_id"]) else ""

    def _accepted_row(
        self, record: Record, number: int, idx: int, flush: dict[str, Any], impression: dict[str, Any], fresh: bool
    ) -> Accepted:
        user_id, artwork_id, seen_at = flush["user_id"], impression["artwork_id"], impression["seen_at"]
        return Accepted(
            event_id(user_id, artwork_id, seen_at, self.rules.window_ms),
            user_id,
            artwork_id,
            impression.get("pool_id", ""),
            impression["impression_id"],
            flush["flush_id"],
            flush.get("session_id", ""),
            seen_at,
            record.time,
            fresh,
            impression.get("dwell_ms"),
            impression.get("visible"),
            impression.get("position"),
            impression.get("surface", ""),
            flush.get("transport", "sdk"),
            flush.get("reason", "manual"),
            flush.get("tier", "free"),
            flush.get("experiments", {}),
            record.topic_id,
            record.partition,
            record.offset,
            number,
            idx,
        )

    def _reject(
        self, record: Record, number: int, idx: int, reason: str, user_id: str, text: bytes, counts: dict[str, int]
    ) -> None:
        counts["rejected"] += 1
        kept = text if len(text) <= _LONGEST_KEPT else text[:MIB]
        place = (record.topic_id, record.partition, record.offset, number, idx)
        digest = hashlib.sha256(kept).hexdigest()
        self.rejected.append(Rejected(*place, reason, user_id, digest, len(kept), record.time, True, 1))

    def _account(self, record: Record, number: int, line: bytes, flush: dict[str, Any], counts: dict[str, int]) -> None:
        received = counts["accepted"] + counts["duplicates"] + counts["rejected"] + counts["forwarded"]
        telemetry = flush.get("telemetry", {})
        attempts, failures, queued, dropped = (telemetry.get(name, 0) for name in fields.TELEMETRY)
        self.totals.update(counts, received=received, lines=1)
        self.ledger.append(
            LedgerRow(
                record.topic_id,
                record.partition,
                record.offset,
                number,
                flush.get("flush_id", ""),
                flush.get("user_id", ""),
                received,
                counts["accepted"],
                counts["fresh"],
                counts["duplicates"],
                counts["rejected"],
                counts["forwarded"],
                flush.get("transport", ""),
                flush.get("reason", ""),
                flush.get("tier", ""),
                flush.get("experiments", {}),
                flush.get("client", ""),
                attempts,
                failures,
                queued,
                dropped,
                len(line),
                flush.get("sent_at", 0),
                record.time,
                1,
            )
        )


def event_id(user_id: str, artwork_id: str, seen_at: int, window_ms: int) -> str:
    """Return the identity of an accepted impression (rule 4)."""
    digest = hashlib.sha256()
    for part in (user_id, artwork_id, str(seen_at // window_ms)):
        text = part.encode()
        digest.update(len(text).to_bytes(4, "big") + text)
    return digest.digest()[:16].hex()


def _is_near(times: list[int], seen_at: int, window_ms: int) -> bool:
    """Return whether one of the sorted times is less than the window away. Only the two around it can be."""
    at = bisect_left(times, seen_at)
    return any(abs(seen_at - time) < window_ms for time in times[max(0, at - 1) : at + 1])
