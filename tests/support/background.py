"""Work that runs beside the test, such as load that arrives while a process is killed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

SECONDS = 120.0


@contextmanager
def background(work: Callable[[], object]) -> Iterator[None]:
    """Run `work` in a thread while the body runs; return once both have ended. Raises the exception of either."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield
        future.result(SECONDS)
