"""Reports what became of each record to the log and to the caller's `on_delivery`. Only one thread calls."""

import time
from collections.abc import Callable
from logging import ERROR

from impression_streams.delivery import Delivery
from impression_streams.log import Trouble


class Reporter:
    """Calls `on_delivery`, logs the exceptions that it raises, and keeps the first one in `error`.

    `busy` is True while `on_delivery` runs.
    """

    def __init__(self, on_delivery: Callable[[Delivery], None] | None) -> None:
        self.error: Exception | None = None
        self.busy = False
        self._on_delivery = on_delivery
        self._losses, self._failures = Trouble(), Trouble()

    def report(self, delivery: Delivery) -> None:
        """Report a delivery; raises nothing."""
        now = time.monotonic()
        if delivery.error is not None:
            self._losses.event(now, ERROR, "delivery_failed", flush_id=delivery.flush_id, detail=delivery.error)
        if self._on_delivery is None:
            return
        self.busy = True
        try:
            self._on_delivery(delivery)
        except Exception as error:  # an error in the caller's code must not stop the deliveries
            self.failed(error, delivery)
        finally:
            self.busy = False

    def failed(self, error: Exception, delivery: Delivery) -> None:
        """Note that `on_delivery` raised."""
        self.error = self.error or error
        self._failures.event(time.monotonic(), ERROR, "on_delivery_failed", error, flush_id=delivery.flush_id)
