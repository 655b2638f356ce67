"""The preview's page on loopback: the bundle, Grafana's icons and fonts, the dashboards, and their panels' frames."""

import html
import mimetypes
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from dashboards.preview import model
from dashboards.preview.sources import QueryError, Sources
from streams.embedded.ports import LOOPBACK

# The names that @grafana/ui asks for, and @fontsource/inter's names of the same faces.
FONTS = {
    "Inter-Regular": "inter-latin-400-normal",
    "Inter-Medium": "inter-latin-500-normal",
    "Inter-Italic": "inter-latin-400-italic",
    "Inter-MediumItalic": "inter-latin-500-italic",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/bundle/preview.css">
<script>window.__grafana_public_path__ = "/public/"; window.__preview = {about};</script></head>
<body><div id="root"></div><script src="/bundle/preview.js"></script></body></html>
"""
INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Dashboards</title><link rel="icon" href="data:,"></head>
<body style="font-family: sans-serif; max-width: 60rem; margin: 2rem auto"><h1>Dashboards</h1><ul>{items}</ul>
<p>Drawn with Grafana's own components; a preview, not Grafana.</p></body></html>
"""


class Site:
    """What is served: dashboards by uid, queried from these sources, drawn by the bundle of `web`."""

    def __init__(self, dashboards: Mapping[str, dict[str, Any]], sources: Sources, web: Path, query: str = "") -> None:
        self.dashboards = dashboards
        self.sources = sources
        self._web = web
        self._packages = web / "node_modules"
        # What the index appends to each dashboard's address.
        self._query = query
        self._panels = {uid: {panel["id"]: panel for panel in model.panels(each)} for uid, each in dashboards.items()}
        self._version = orjson.loads((self._packages / "@grafana/ui/package.json").read_bytes())["version"]

    def index(self) -> str:
        """Return the list of dashboards."""
        items = "".join(
            f'<li><a href="/d/{uid}?{html.escape(self._query)}">{html.escape(each["title"])}</a>: '
            f"{html.escape(each.get('description') or '')}</li>"
            for uid, each in self.dashboards.items()
        )
        return INDEX.format(items=items)

    def page(self, uid: str) -> str:
        """Return the page that draws a dashboard. Raises KeyError."""
        about = orjson.dumps({"version": self._version}).decode()
        return PAGE.format(title=html.escape(self.dashboards[uid]["title"]), about=about)

    def dashboard(self, uid: str, asked: Mapping[str, list[str]]) -> dict[str, Any]:
        """Return a dashboard with its variables resolved. Raises KeyError, ValueError."""
        dashboard = self.dashboards[uid]
        span = model.span_of(dashboard, asked)
        variables = model.resolve(dashboard, self.sources, span, asked)
        return {
            "dashboard": dashboard,
            "others": [
                {"uid": other, "title": each["title"], "tags": each.get("tags") or []}
                for other, each in self.dashboards.items()
                if other != uid
            ],
            "variables": [variable.as_json() for variable in variables.values()],
            "from": span.start,
            "to": span.stop,
        }

    def panel(self, uid: str, panel_id: int, asked: Mapping[str, list[str]]) -> dict[str, Any]:
        """Return the frames of a panel's targets, and the errors of failed ones. Raises KeyError, ValueError."""
        dashboard, panel = self.dashboards[uid], self._panels[uid][panel_id]
        span = model.span_of(dashboard, asked)
        resolved = model.resolve(dashboard, self.sources, span, asked)
        variables = {name: variable.value for name, variable in resolved.items()}
        frames, errors = [], []
        for target in panel.get("targets") or []:
            if target.get("hide"):
                continue
            # If a target has no data source, it uses the panel's.
            complete = {"datasource": panel.get("datasource"), **target}
            try:
                frames += self.sources.run(complete, span, variables)
            except QueryError as error:
                errors.append({"refId": str(target.get("refId", "A")), "message": str(error)})
        return {"frames": frames, "errors": errors}

    def file(self, path: str) -> Path | None:
        """Return a file of the bundle, or an icon or font that @grafana/ui asks for; None if it doesn't exist."""
        icons = "public/build/img/icons/"
        if path.startswith("bundle/"):
            return _within(self._web / "bundle", path.removeprefix("bundle/"))
        if path.startswith(icons):
            return _within(self._packages / "@grafana/ui/dist/public/img/icons", path.removeprefix(icons))
        if path.startswith("public/fonts/inter/") and (name := FONTS.get(Path(path).stem)):
            return _within(self._packages / "@fontsource/inter/files", f"{name}.woff2")
        return None


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[str]:
    """Serve a site on loopback, on a free port if none is given; yield its address."""
    server = ThreadingHTTPServer((LOOPBACK, port), _handler(site))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="preview", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _within(folder: Path, name: str) -> Path | None:
    path = (folder / name).resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urllib.parse.urlsplit(self.path)
            asked = urllib.parse.parse_qs(address.query, keep_blank_values=True)
            try:
                status, kind, body = _answer(site, address.path, asked)
            except KeyError as missing:
                status, kind, body = HTTPStatus.NOT_FOUND, "text/plain", f"There is no {missing}.".encode()
            except ValueError as wrong:
                status, kind, body = HTTPStatus.BAD_REQUEST, "text/plain", str(wrong).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing: a page asks for hundreds of icons."""

    return Handler


def _answer(site: Site, path: str, asked: Mapping[str, list[str]]) -> tuple[HTTPStatus, str, bytes]:
    match path.strip("/").split("/"):
        case [""]:
            return HTTPStatus.OK, "text/html; charset=utf-8", site.index().encode()
        case ["d", uid, *_]:
            return HTTPStatus.OK, "text/html; charset=utf-8", site.page(uid).encode()
        case ["api", "dashboard", uid]:
            return HTTPStatus.OK, "application/json", _json(site.dashboard(uid, asked))
        case ["api", "panel", uid, panel_id]:
            return HTTPStatus.OK, "application/json", _json(site.panel(uid, int(panel_id), asked))
    file = site.file(path.lstrip("/"))
    if file is None:
        raise KeyError(path)
    return HTTPStatus.OK, mimetypes.guess_type(file.name)[0] or "application/octet-stream", file.read_bytes()


def _json(value: Any) -> bytes:
    return orjson.dumps(value)
