"""What is sent in one request: as many flushes as a collector takes, in their order. It has neither clock nor lock."""

import gzip
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from impression_streams.outgoing import Outgoing

# The collector's limits of a request (contract §6): flushes, and bytes as sent. Here the bytes are counted before they
# are compressed, so neither limit is ever met, also not by lines that don't compress.
MAX_FLUSHES = 500
MAX_BYTES = 1024 * 1024
# With a token for each user there are lines for them, too. A token has up to 4 KiB, mostly some 300 bytes; so many
# users share a request at most, and so many bytes are left for their flushes.
MAX_TOKEN_LINES = 100
MAX_BYTES_BESIDE_TOKENS = MAX_BYTES // 2
# Below this, gzip saves less than what its header and the collector's inflating cost.
GZIP_FROM = 1024
# Level 1 leaves a flush of 50 impressions at a quarter of its size; the highest level takes off two points more.
GZIP_LEVEL = 1


class Batch:
    """Records that share a request. Each one's line, once sent, never changes."""

    def __init__(self, items: Iterable[Outgoing], not_before: float = 0.0, trouble: str = "") -> None:
        self.items = list(items)
        # When the first of its records is to be given up (monotonic, s).
        self.give_up_at = min((item.give_up_at for item in self.items), default=float("inf"))
        self.not_before = not_before  # when it may be sent again (monotonic, s)
        self.trouble = trouble  # why it was not acknowledged

    @property
    def size(self) -> int:
        """The bytes of its lines."""
        return sum(len(item.line or b"") + 1 for item in self.items) - 1

    def halves(self) -> tuple["Batch", "Batch"]:
        """Return it as two, for a collector that found it too large."""
        middle = len(self.items) // 2
        return Batch(self.items[:middle]), Batch(self.items[middle:])


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body; `lines` has, for each of its lines, the number of the record, or -1 for a token."""

    data: bytes
    is_gzip: bool
    lines: list[int]


def take(ready: deque[Outgoing], limit: int = MAX_BYTES, most_users: int = MAX_FLUSHES) -> Batch:
    """Take a batch of at most `limit` bytes from the front of what is ready, at least one record.

    A raw record is a batch of its own: its lines are not counted, and what is wrong with it harms nothing else.
    """
    items: list[Outgoing] = []
    users: set[str] = set()
    size = -1
    while ready and len(items) < MAX_FLUSHES:
        first = ready[0]
        if items and not first.flush_id:
            break
        _settle(first, len(ready) - 1)
        size += len(first.line or b"") + 1
        users.add(first.user_id)
        if items and (size > limit or len(users) > most_users):
            break
        items.append(ready.popleft())
        if not first.flush_id:
            break
    return Batch(items)


def _settle(outgoing: Outgoing, queued: int) -> None:
    """Complete a flush's line, which from now on is sent as it is, however often; so it says nothing of retries."""
    if outgoing.open:
        outgoing.line, outgoing.open = outgoing.value(queued), False


def render(items: list[Outgoing], tokens: Mapping[str, str]) -> Body:
    """Return the body of a request: the same for the same records and tokens.

    A user's token, if there is one, stands in a line before the user's flushes, which then stand together.
    """
    order = list(range(len(items)))
    if tokens:
        first: dict[str, int] = {}
        for number, item in enumerate(items):
            first.setdefault(item.user_id, number)
        order.sort(key=lambda number: first[items[number].user_id])
    texts: list[bytes] = []
    lines: list[int] = []
    user = ""
    for number in order:
        item = items[number]
        if item.user_id != user and item.user_id in tokens:
            user = item.user_id
            texts.append(orjson.dumps({"token": tokens[user]}))
            lines.append(-1)
        texts.append(item.line or b"")
        lines += [number] * (1 if item.flush_id else texts[-1].count(b"\n") + 1)
    plain = b"\n".join(texts)
    packed = gzip.compress(plain, GZIP_LEVEL, mtime=0) if len(plain) >= GZIP_FROM else plain
    return Body(packed, True, lines) if len(packed) < len(plain) else Body(plain, False, lines)
