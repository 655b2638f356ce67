"""Work that runs beside the test, such as load that arrives while a process is killed."""

import threading
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


@contextmanager
def meanwhile(*works: Callable[[], object]) -> Iterator[threading.Event]:
    """Run the first task once in a thread, and the others again and again until it ends; yield the event of its end."""
    done = threading.Event()
    failed: list[BaseException] = []

    def first() -> None:
        try:
            works[0]()
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    def other(work: Callable[[], object]) -> None:
        try:
            while not done.is_set():
                work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=first), *(threading.Thread(target=other, args=(work,)) for work in works[1:])]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        for thread in threads:
            thread.join()
    assert not failed
