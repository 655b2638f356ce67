"""The methods of producers for threads: each waits where it must."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from impression_streams import encode
from impression_streams.base import ABANDON_SECONDS, BaseProducer
from impression_streams.engine import never
from impression_streams.flush import Flush
from impression_streams.outgoing import Outgoing
from impression_streams.types import FlushReason


class SyncProducer(BaseProducer):
    """Not for use by itself: see ImpressionProducer and HttpImpressionProducer."""

    def record(  # noqa: PLR0913 - the fields of an impression
        self,
        user_id: str,
        artwork_id: str,
        seen_at: int | datetime | None = None,
        *,
        impression_id: str | None = None,
        pool_id: str | None = None,
        dwell_ms: int | None = None,
        visible: float | None = None,
        position: int | None = None,
        surface: str | None = None,
    ) -> str:
        """Record one impression and return its id, a new UUID if None was given.

        Ids are 1 to 128 of A-Z a-z 0-9 . _ : - (`to_id` makes one of any text). `seen_at` is ms since the epoch or a
        datetime with a zone (now if None). `visible` is the share of the artwork's pixels that were on screen, 0 to 1;
        `dwell_ms` and `position` are whole numbers from 0.
        Raises ValueError for what the stream would reject, BufferFullError when there is no room, MissingTopicError
        when the first flushes show that there is no such topic, RuntimeError once the producer is closed.
        """
        impression_id, item = self._prepare(
            {
                "user_id": user_id,
                "impression_id": impression_id,
                "artwork_id": artwork_id,
                "seen_at": seen_at,
                "pool_id": pool_id,
                "dwell_ms": dwell_ms,
                "visible": visible,
                "position": position,
                "surface": surface,
            }
        )
        self._put(item)
        return impression_id

    def send_flush(self, flush: Flush | Mapping[str, Any]) -> None:
        """Send a prepared flush at once, as it is except for unknown fields, which the stream ignores.

        Raises ValueError that names what is wrong with it (501 impressions are refused, not split), and what `record`
        raises.
        """
        self._check_process()
        self._put(self._prepare_flush(flush))

    def send_raw(self, lines: bytes | None, *, partition: int | None = None, key: str | None = None) -> None:
        """Send a record's value as it is, be it valid, invalid or None: for replay and tests.

        It goes to `partition`, else to the partition of `key`, else to any. Raises ValueError for what a broker
        refuses (above 4 MiB), and what `record` raises.
        """
        self._check_process()
        self._put(self._prepare_raw(lines, key, partition))

    def flush(self, user_id: str | None = None, reason: FlushReason = "manual") -> None:
        """Send what is buffered for the user, or for all users, now; `wait` waits for the acknowledgements.

        Raises ValueError for an unknown reason, RuntimeError once the producer is closed.
        """
        self._check_process()
        encode.check_reason(reason)
        self._engine.check()
        self._engine.flush(user_id, reason)

    def wait(self, timeout: float) -> bool:
        """Wait until everything sent is acknowledged or given up; return False if `timeout` seconds did not suffice.

        Raises RuntimeError in `on_delivery`, which it would wait for.
        """
        self._check_process()
        if self._engine.is_own_thread():
            raise RuntimeError("wait() can't be called from on_delivery: it waits for the deliveries")
        return self._engine.wait(self._engine.is_settled, timeout)

    def close(self, timeout: float = 30.0) -> None:
        """Send everything, wait for the acknowledgements, and end. A second call does nothing.

        Raises UndeliveredError with everything that was not acknowledged within `timeout` seconds or was given up
        before; the producer is closed nevertheless. It doesn't wait for a topic that the brokers don't have, nor in a
        finaliser that happens to run in the producer's own thread: what is undelivered then is logged at the process's
        exit.
        """
        self._check_process()
        if self._engine.is_own_thread():
            if self._engine.reporter.busy:
                raise RuntimeError("close() can't be called from on_delivery: it waits for the deliveries")
            self._engine.begin_close(timeout)
            return
        self._engine.begin_close(timeout)
        self._finish_close(self._engine.wait(never, max(0.0, timeout) + ABANDON_SECONDS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _put(self, item: tuple[str, bytes] | Outgoing) -> None:
        if self._offer(item):
            return
        give_up_at = time.monotonic() + self._options.max_block
        while not self._offer(item):
            left = give_up_at - time.monotonic()
            if left <= 0 or self._engine.is_own_thread():
                raise self._full()
            self._engine.wait(lambda: self._has_room(item), left)
