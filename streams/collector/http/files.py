"""Files as answers: read once, with strong validators, and compressed for whoever takes that."""

import gzip
from collections.abc import Mapping
from hashlib import sha256
from pathlib import PurePath

from starlette.requests import Request
from starlette.responses import Response

from streams.collector.reads.answers import matches
from streams.collector.rules.encodings import accepts_gzip

# What may be served, by the name's end. Text is UTF-8, and no browser may guess otherwise (nosniff).
MEDIA_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


def media_type(name: str) -> str | None:
    """Return the media type of a file, by its name; None for one that isn't served."""
    return MEDIA_TYPES.get(PurePath(name).suffix)


class File:
    """A file's bytes, and what every answer with them says."""

    def __init__(self, content: bytes, of_type: str, *, compress: bool = False) -> None:
        """With `compress`, a compressed form is made now, and kept if it is smaller."""
        self.content, self._type = content, of_type
        digest = sha256(content).hexdigest()[:32]
        self._tag, self._gzip_tag = f'"{digest}"', f'"{digest}-gzip"'
        # The same bytes each time, so that all collectors' are the same.
        packed = gzip.compress(content, 9, mtime=0) if compress else content
        self._gzip = packed if len(packed) < len(content) else None
        self._varies = {"vary": "Accept-Encoding"} if self._gzip is not None else {}

    @property
    def gzip_bytes(self) -> int:
        """How many bytes whoever takes gzip is sent."""
        return len(self.content if self._gzip is None else self._gzip)

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return 200 with the file, or 304 to a client that has it; both with these headers."""
        body, tag, coding = self.content, self._tag, {}
        # Two forms of the same file are not the same bytes, and hence have two strong tags.
        if self._gzip is not None and accepts_gzip(",".join(request.headers.getlist("accept-encoding"))):
            body, tag, coding = self._gzip, self._gzip_tag, {"content-encoding": "gzip"}
        all_headers = {**headers, **self._varies, "etag": tag}
        if matches(request, tag):
            return Response(None, 304, all_headers)
        return Response(body, 200, {**all_headers, **coding, "content-type": self._type})
