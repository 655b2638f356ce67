"""From a producer's thread into an asyncio loop: one wake-up for everything that happened until the loop looks."""

import asyncio
from collections import deque
from collections.abc import Callable


class LoopBridge:
    """Runs calls in a loop, in order. They come from one thread; a loop that is closed runs none of them."""

    def __init__(self) -> None:
        self.wake_ups = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: deque[Callable[[], None]] = deque()
        self._woken = False
        self._closed = False

    def attach(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, which is this bridge's from the first call on. Raises RuntimeError in another."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop:
            raise RuntimeError("the producer belongs to another event loop: make one in each")
        return loop

    def post(self, call: Callable[[], None]) -> None:
        """Run a call in the loop, soon."""
        if self._closed:
            return
        self._calls.append(call)
        if self._woken or self._loop is None:
            return
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._run)
            self.wake_ups += 1
        except RuntimeError:  # the loop is closed: nobody waits in it
            self._closed = True
            self._calls.clear()

    def _run(self) -> None:
        # First: what is posted from now on either is seen below or wakes the loop again.
        self._woken = False
        while self._calls:
            self._calls.popleft()()


def settle(future: asyncio.Future[None]) -> None:
    """Let whoever awaits the future go on, if somebody still does."""
    if not future.done():
        future.set_result(None)
