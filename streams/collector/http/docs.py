"""/openapi.json, and /docs: the same for people, as one page without a script, which needs nothing from elsewhere."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from streams.collector.http.openapi import Document, document

# The page has no script, and loads nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin:2.5rem 0 .5rem;font-size:1.1rem}code,pre{font:14px/1.45 ui-monospace,monospace}
h2 b{font-size:.8rem;padding:.2rem .5rem;border-radius:.3rem;background:#2563eb;color:#fff;margin-right:.6rem}
h2 b.get{background:#15803d}h2 b.put{background:#b45309}h2 b.delete{background:#b91c1c}
pre{background:var(--soft);border:1px solid var(--line);border-radius:.4rem;padding:.8rem;overflow:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{text-align:left;padding:.3rem .6rem;vertical-align:top}
tr{border-top:1px solid var(--line)}th{font-weight:600}h2 code{font-size:1rem;font-weight:600}
td:first-child,th:first-child{width:9rem}td:nth-last-child(2):nth-child(2),th:nth-last-child(2):nth-child(2){width:6rem}
details{margin:.5rem 0}
"""


def routes(paths: Mapping[str, Any] | None = None) -> list[Route]:
    """Return the pages; `paths` are the read API's part of the document."""

    @lru_cache(1)
    def built() -> Document:
        return document(paths)

    @lru_cache(1)
    def shown() -> str:
        return page(built())

    async def openapi(_request: Request) -> Response:
        return JSONResponse(built())

    async def docs(_request: Request) -> Response:
        return HTMLResponse(shown(), headers={"Content-Security-Policy": POLICY})

    return [Route("/openapi.json", openapi), Route("/docs", docs)]


def page(of: Document) -> str:
    """Return the page that shows the document."""
    return "\n".join(_page(of))


def _page(of: Document) -> Iterator[str]:
    info = of["info"]
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{html.escape(info['title'])}</title><style>{STYLE}</style>"
    yield f"<h1>{html.escape(info['title'])} {html.escape(info['version'])}</h1>"
    yield f'<p>{_text(info["description"])} The same for programs: <a href="/openapi.json">openapi.json</a>.</p>'
    for path, methods in of["paths"].items():
        for method, operation in methods.items():
            yield from _operation(path, method, operation)
    yield "<h2>Schemas</h2>"
    for name, schema in of["components"]["schemas"].items():
        yield f"<details id={_quoted(name)}><summary><code>{html.escape(name)}</code></summary>"
        yield f"{_json(schema)}</details>"


def _operation(path: str, method: str, operation: Document) -> Iterator[str]:
    yield f'<h2 id={_quoted(operation["operationId"])}><b class="{method}">{method.upper()}</b>'
    yield f"<code>{html.escape(path)}</code></h2><p>{_text(operation['summary'])}."
    yield f"{_text(operation.get('description', ''))}</p>"
    if parameters := operation.get("parameters"):
        rows = ((each["name"], each["in"], each.get("description", "")) for each in parameters)
        yield from _table(("parameter", "in", "meaning"), rows)
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if "example" in content:
            yield f"<p>A body, as <code>{html.escape(kind)}</code>:</p>{_json(content['example'])}"
    answers = ((status, each["description"]) for status, each in operation["responses"].items())
    yield from _table(("status", "meaning"), answers)


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{html.escape(cell)}" for cell in head)
    for row in rows:
        yield "<tr>" + "".join(f"<td>{_text(cell)}" for cell in row)
    yield "</table>"


def _json(value: Any) -> str:
    return f"<pre>{html.escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _text(text: str) -> str:
    """Return a text as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _quoted(text: str) -> str:
    return f'"{html.escape(text)}"'
