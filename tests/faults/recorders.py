"""Clients of the collector that behave as the contract says, and keep their own ledger.

Each has one flush at a time: it is noted before it is sent, sent until a 2xx says that it is stored, with the same ids,
and only then followed by the next. So whatever dies, everything that was noted must be shown once, and nothing else.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

from streams.clickhouse.client import connect
from streams.settings import Settings
from tests.support.load import ARTWORKS
from tests.support.wait import let_pass, until

PATH = "/v1/impressions"
HEADERS = {"Content-Type": "text/plain"}
CLIENTS = 8
# Impressions of a flush. A user sees each artwork once: no impression is a duplicate of another.
IMPRESSIONS = 5
BETWEEN_SECONDS = 0.02
# A client asks again no later than this, whatever Retry-After says: tests wait for nobody.
LATEST_RETRY_SECONDS = 0.5
# As clients of ours do (s): longer than the collector needs to say that the brokers are away.
ANSWER_SECONDS = 20.0
# A flush that isn't stored by then will never be.
SECONDS = 120.0
MISSING, TWICE, STRANGE = "missing", "twice", "strange"


class Recorders:
    """Some clients, each in a thread of its own, over one collector or several."""

    def __init__(self, settings: Settings, ports: Sequence[int], name: str, padding: int = 0) -> None:
        """`name` begins the names of the users; `padding` bytes are added to each flush."""
        self._settings, self._ports, self._name, self._padding = settings, ports, name, padding
        self.recorded: set[tuple[str, str]] = set()
        """User and id of every impression that was noted."""
        self.stored: set[tuple[str, str]] = set()
        """Those that a 2xx has called stored."""
        self.answers: Counter[int] = Counter()
        """How often each status was answered; 0: the connection failed."""
        self.closing = 0
        """How many answers said that they were their connection's last."""
        self._failures: list[BaseException] = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), name=f"recorder-{n}") for n in range(CLIENTS)]

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Record during the body; after it, wait until all of it is called stored."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ending.set()
            for thread in self._threads:
                thread.join()
        self.check()
        assert self.stored == self.recorded

    def check(self) -> None:
        """Raise a client's error, if there was one."""
        for failure in self._failures:
            raise failure

    def flows(self, impressions: int = 20 * IMPRESSIONS) -> None:
        """Return once that many more impressions are called stored."""
        goal = len(self.stored) + impressions

        def reached() -> bool:
            self.check()
            return len(self.stored) >= goal

        until(reached, SECONDS, "the collector calls more impressions stored")

    def differences(self) -> Counter[str]:
        """Compare with what readers of ClickHouse see of these users; return the number of each kind of difference."""
        shown: Counter[tuple[str, str]] = Counter()
        with connect(self._settings) as client:
            sql = f"""SELECT user_id, impression_id FROM {self._settings.clickhouse_database}.impressions
                WHERE startsWith(user_id, '{self._name}-')"""
            shown.update((str(user), str(impression)) for user, impression in client.query(sql).result_rows)
        return +Counter(
            {
                MISSING: len(self.recorded - shown.keys()),
                TWICE: sum(times > 1 for times in shown.values()),
                STRANGE: len(shown.keys() - self.recorded),
            }
        )

    def _run(self, client: int) -> None:
        try:
            number = 0
            while not self._ending.wait(BETWEEN_SECONDS):
                self._deliver(client, *self._flush(client, number))
                number += 1
        except BaseException as error:
            self._failures.append(error)

    def _flush(self, client: int, number: int) -> tuple[bytes, set[tuple[str, str]]]:
        """Return a flush as its line, and its impressions."""
        first = number * IMPRESSIONS
        user, now = f"{self._name}-{client}-{first // ARTWORKS}", int(time.time() * 1000)
        impressions = [
            {"impression_id": f"{user}-{n}", "artwork_id": f"a{n % ARTWORKS:04d}", "seen_at": now, "pool_id": "main"}
            for n in range(first, first + IMPRESSIONS)
        ]
        flush: dict[str, Any] = {"v": 1, "flush_id": f"{user}-f{number}", "user_id": user, "sent_at": now}
        flush |= {"transport": "fetch", "impressions": impressions}
        if self._padding:
            flush["padding"] = "x" * self._padding
        return orjson.dumps(flush), {(user, str(each["impression_id"])) for each in impressions}

    def _deliver(self, client: int, line: bytes, impressions: set[tuple[str, str]]) -> None:
        self.recorded |= impressions
        deadline = time.monotonic() + SECONDS
        attempt = client
        while time.monotonic() < deadline:
            status, wait = self._send(self._ports[attempt % len(self._ports)], line)
            self.answers[status] += 1
            if 200 <= status < 300:
                self.stored |= impressions
                return
            attempt += 1
            let_pass(min(wait, LATEST_RETRY_SECONDS))
        raise AssertionError(f"a flush was not stored within {SECONDS:.0f} s; answers: {dict(self.answers)}")

    def _send(self, port: int, line: bytes) -> tuple[int, float]:
        """Return the status, 0 if there was no answer, and for how long to stay away (s)."""
        connection = HTTPConnection(self._settings.collector_host, port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", PATH, line, HEADERS)
            answer = connection.getresponse()
            text = answer.read()
            self.closing += answer.headers.get("Connection") == "close"
            if answer.status == 202:
                assert orjson.loads(text) == {"accepted": IMPRESSIONS, "rejected": []}, text
            return answer.status, float(answer.headers.get("Retry-After", 0.1))
        except (OSError, HTTPException):
            return 0, 0.1
        finally:
            connection.close()
