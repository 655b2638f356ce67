"""Threads, locks and queues of the operating system, also where gevent has put its own in their place.

A producer waits in librdkafka, which is C: in one of gevent's threads that would stop every greenlet of the process. So
its own threads are real ones, and whoever waits for them lets other greenlets run.

SimpleQueue and plain locks are all that callers share with these threads. Both are written in C and can be used again
from a signal handler or a finaliser that interrupts their use; the classes Queue, Event and Condition can not.
"""

import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

Empty = queue.Empty
# Between two looks at a lock while greenlets run.
STEP_SECONDS = 0.005


def original(module: str, name: str) -> Any:
    """Return what a module of the standard library defines under this name, whatever gevent has put there."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(sys.modules[module], name) if monkey is None else monkey.get_original(module, name)


def start(target: Callable[[], None], name: str) -> None:
    """Run `target` in a thread that doesn't keep the process alive."""
    if _cooperative():
        original("_thread", "start_new_thread")(target, ())
    else:
        threading.Thread(target=target, name=name, daemon=True).start()


def thread_id() -> int:
    """Return the id of the thread that calls."""
    ident: int = original("_thread", "get_ident")()
    return ident


def simple_queue() -> Any:
    """Return a SimpleQueue."""
    return original("queue", "SimpleQueue")()


def rlock() -> Any:
    """Return an RLock, which a thread may take again."""
    return original("_thread", "RLock")()


def sleep(seconds: float) -> None:
    """Let this thread rest."""
    original("time", "sleep")(seconds)


class Latch:
    """Opens once, for one that waits. It is a bare lock, so any thread may open it at any moment."""

    def __init__(self) -> None:
        self._lock = original("_thread", "allocate_lock")()
        self._lock.acquire()

    def open(self) -> None:
        """Let the one that waits go on; call it once."""
        self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Return True once it is open, False after `seconds`. Signal handlers run meanwhile, and greenlets."""
        seconds = max(0.0, min(seconds, threading.TIMEOUT_MAX))
        if not _cooperative():
            return bool(self._lock.acquire(timeout=seconds))
        end = time.monotonic() + seconds
        while not self._lock.acquire(blocking=False):
            if time.monotonic() >= end:
                return False
            time.sleep(STEP_SECONDS)  # gevent's
        return True


def _cooperative() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))
