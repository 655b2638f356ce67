"""TCP between page and front: Toxiproxy, which can be slow, off, or now the one and now the other."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from streams.embedded.ports import free_block
from tests.browsers.machine import toxiproxy
from tests.support.wait import until

HOST = "127.0.0.1"
# A toxic is taken away only after what passes through it just then: that is seconds where a network is hardly one.
START_SECONDS, ANSWER_SECONDS = 15.0, 60.0
# Slow 3G of Chromium's developer tools: 400 kbit/s, and two seconds to and fro.
SLOW_MS, SLOW_KB_PER_SECOND = 1_000, 50
# How long a flaky network is up, and then down.
FLAKY_SECONDS = 0.4


class Network:
    """One proxied address. Everything that a scenario does to it is undone by `on`."""

    def __init__(self, api: str, name: str, listen: str) -> None:
        self._api, self._name = api, name
        self.address = f"http://{listen}"
        self._flaky: tuple[Event, Thread] | None = None

    def off(self) -> None:
        """Refuse connections, and end those that there are."""
        self._post("", {"enabled": False})

    def on(self) -> None:
        """Work well again."""
        self.steady()
        for toxic in self._ask("GET", "/toxics"):
            self._ask("DELETE", f"/toxics/{toxic['name']}")
        self._post("", {"enabled": True})

    def slow(self, latency_ms: int = SLOW_MS, kb_per_second: int = SLOW_KB_PER_SECOND) -> None:
        """Be slow, each way; by default as Slow 3G."""
        for stream in ("upstream", "downstream"):
            self.toxic("latency", stream, latency=latency_ms // 2)
            self.toxic("bandwidth", stream, rate=kb_per_second)

    def toxic(self, kind: str, stream: str = "upstream", **attributes: Any) -> None:
        """Add a toxic: https://github.com/Shopify/toxiproxy lists them."""
        self._ask("POST", "/toxics", {"type": kind, "stream": stream, "attributes": attributes})

    def flaky(self, seconds: float = FLAKY_SECONDS) -> None:
        """Be on and off in turn, for as long each, until `steady` or `on`."""
        over = Event()

        def turn() -> None:
            up = True
            while not over.wait(seconds):
                up = not up
                self._post("", {"enabled": up})

        thread = Thread(target=turn, daemon=True)
        self._flaky = (over, thread)
        thread.start()

    def steady(self) -> None:
        """End being flaky, whichever way it is then."""
        if self._flaky is not None:
            over, thread = self._flaky
            self._flaky = None
            over.set()
            thread.join()

    def close(self) -> None:
        """Give the address up, so that a later lane may have the name."""
        self.steady()
        self._ask("DELETE", "")

    def _post(self, path: str, body: dict[str, Any]) -> None:
        self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return ask(self._api, method, f"/proxies/{self._name}{path}", body)


def ask(api: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Call Toxiproxy's API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{api}{path}", data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
        text = answer.read()
    return json.loads(text) if text else None


@contextmanager
def running() -> Iterator[str]:
    """Run Toxiproxy; yield its API's address. Raises MissingError if it isn't there and can't be built."""
    port = free_block(1)
    api = f"http://{HOST}:{port}"
    process = subprocess.Popen(
        [str(toxiproxy()), "-host", HOST, "-port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C is for the run, which ends it.
        start_new_session=True,
    )
    try:
        until(lambda: _answers(api), START_SECONDS, "Toxiproxy answers")
        yield api
    finally:
        process.kill()
        process.wait()


def between(api: str, name: str, upstream: str) -> Network:
    """Return a new proxied address in front of `upstream` (host:port)."""
    listen = f"{HOST}:{free_block(1)}"
    ask(api, "POST", "/proxies", {"name": name, "listen": listen, "upstream": upstream, "enabled": True})
    return Network(api, name, listen)


def _answers(api: str) -> bool:
    try:
        return ask(api, "GET", "/version") is not None
    except (urllib.error.URLError, OSError, ValueError):
        return False
