"""The pages that the browser opens, and the recorder, from a small server of our own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from bench.lib.broker import HOST

HERE = Path(__file__).parent / "pages"
RECORDER = Path(__file__).parents[2] / "streams" / "collector" / "recorder"


class Pages(SimpleHTTPRequestHandler):
    """Serves bench/recorder/pages, and beside them the built recorder."""

    def translate_path(self, path: str) -> str:
        """Return the file of a path."""
        name = Path(urlsplit(path).path).name
        found = HERE / name
        return str(found if found.exists() else RECORDER / name)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve the pages; yield their origin."""
    server = ThreadingHTTPServer((HOST, 0), Pages)
    thread = threading.Thread(target=server.serve_forever, name="site", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
