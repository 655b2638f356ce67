"""The methods of producers for asyncio: none of them blocks the event loop."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Self

from impression_streams import encode
from impression_streams.account import undelivered
from impression_streams.base import ABANDON_SECONDS, BaseProducer
from impression_streams.delivery import Delivery, UndeliveredError
from impression_streams.engine import Waiter, never
from impression_streams.flush import Flush
from impression_streams.loop_bridge import LoopBridge, settle
from impression_streams.outgoing import Outgoing
from impression_streams.types import FlushReason


class AsyncProducer(BaseProducer):
    """Not for use by itself: see AsyncImpressionProducer and AsyncHttpImpressionProducer."""

    async def record(  # noqa: PLR0913 - the fields of an impression
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
        """Record one impression and return its id; see ImpressionProducer.record.

        It waits only where there is no room, for up to `max_block` seconds, and then raises BufferFullError.
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
        await self._put(item)
        return impression_id

    async def send_flush(self, flush: Flush | Mapping[str, Any]) -> Delivery:
        """Send a prepared flush at once, and return once the broker has acknowledged it.

        Raises ValueError that names what is wrong with it, what `record` raises, and UndeliveredError with this flush
        once the producer gives it up (`close` won't hand it out again).
        """
        self._check_process()
        return await self._deliver(self._prepare_flush(flush))

    async def send_raw(self, lines: bytes | None, *, partition: int | None = None, key: str | None = None) -> Delivery:
        """Send a record's value as it is, and return once it is acknowledged; see ImpressionProducer.send_raw."""
        self._check_process()
        return await self._deliver(self._prepare_raw(lines, key, partition))

    async def flush(self, user_id: str | None = None, reason: FlushReason = "manual") -> None:
        """Send what is buffered for the user, or for all users, now; `wait` waits for the acknowledgements."""
        self._check_process()
        encode.check_reason(reason)
        self._engine.check()
        self._engine.flush(user_id, reason)

    async def wait(self, timeout: float) -> bool:
        """Wait until everything sent is acknowledged or given up; return False if `timeout` seconds did not suffice."""
        self._check_process()
        return await self._when(self._engine.is_settled, timeout)

    async def close(self, timeout: float = 30.0) -> None:
        """Send everything, wait for the acknowledgements, and end; see ImpressionProducer.close."""
        self._check_process()
        self._engine.begin_close(timeout)
        self._finish_close(await self._when(never, max(0.0, timeout) + ABANDON_SECONDS))

    async def __aenter__(self) -> Self:
        self._bridge.attach()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def _reported_to(self, on_delivery: Callable[[Delivery], None] | None) -> Callable[[Delivery], None] | None:
        self._bridge = LoopBridge()
        if on_delivery is None:
            return None

        def call(delivery: Delivery) -> None:
            try:
                on_delivery(delivery)
            except Exception as error:  # an error in the caller's code must not stop the deliveries
                self._engine.reporter.failed(error, delivery)

        return lambda delivery: self._bridge.post(partial(call, delivery))

    async def _put(self, item: tuple[str, bytes] | Outgoing) -> None:
        self._bridge.attach()
        give_up_at = time.monotonic() + self._options.max_block
        while not self._offer(item):
            left = give_up_at - time.monotonic()
            if left <= 0:
                raise self._full()
            await self._when(lambda: self._has_room(item), left)

    async def _deliver(self, outgoing: Outgoing) -> Delivery:
        result: asyncio.Future[Delivery] = self._bridge.attach().create_future()

        def finished(delivery: Delivery) -> None:
            if not result.done():
                result.set_result(delivery)

        outgoing.done = lambda delivery: self._bridge.post(partial(finished, delivery))
        await self._put(outgoing)
        delivery = await result
        if delivery.error is not None:
            self._engine.account.take_back(outgoing)
            raise UndeliveredError(undelivered([outgoing]), [delivery.error])
        return delivery

    async def _when(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Return True once the condition holds or the thread has ended, False after `seconds`."""
        future: asyncio.Future[None] = self._bridge.attach().create_future()
        waiter = Waiter(holds, lambda: self._bridge.post(partial(settle, future)))
        self._engine.when(waiter)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            self._engine.forget(waiter)
        return True
