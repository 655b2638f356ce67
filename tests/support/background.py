"""Work beside the test: a load that arrives while something dies."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

SECONDS = 120.0


@contextmanager
def background(work: Callable[[], object]) -> Iterator[None]:
    """Run `work` in a thread while the body runs; return once both have ended. Raises what either raised."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield
        future.result(SECONDS)
