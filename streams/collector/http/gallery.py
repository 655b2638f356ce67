"""The gallery: an example page of the recorder, for the stack on one's own machine. Elsewhere there is none.

Its files are read when they are asked for, so that whoever changes them only has to load the page again.
"""

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from streams.collector.http.files import File, media_type
from streams.errors import UserError

INDEX = "index.html"
# A picture is the largest of what a page needs.
MOST_BYTES = 4 * 2**20
MOST_CHARACTERS = 200
# Plain names with slashes between; none begins with a dot, so that none leads upwards or to what is hidden.
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")

# No script but its own files', nothing from elsewhere, in nobody's frame, and no text that becomes code.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}


def routes(folder: Path | None) -> list[Route]:
    """Return the routes; none without a folder. Raises UserError if it isn't one."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise UserError(f"IMPRESSIONS_COLLECTOR_GALLERY is wrong: {folder} is not a folder.")
    root = folder.resolve()

    # Not a coroutine: Starlette calls it in a thread, where waiting for a disk holds up nobody.
    def page(request: Request) -> Response:
        file = read(root, request.path_params["path"] or INDEX)
        if file is None:
            raise HTTPException(404)
        return file.answer(request, HEADERS)

    def front(_request: Request) -> Response:
        return RedirectResponse("/gallery/", 308)

    return [Route("/gallery", front), Route("/gallery/{path:path}", page)]


def read(root: Path, path: str) -> File | None:
    """Return a file below the root, which has no link in it; None for anything else."""
    of_type = media_type(path)
    if of_type is None or len(path) > MOST_CHARACTERS or not _PATH.fullmatch(path):
        return None
    try:
        # A link, in it or on the way to it, has another real path.
        if (wanted := root / path).resolve(strict=True) != wanted or not wanted.is_file():
            return None
        with wanted.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    return File(content, of_type) if len(content) <= MOST_BYTES else None


def origins(folder: Path | None, host: str, port: int) -> list[str]:
    """Return the origins that the gallery has itself: its pages record, and a browser names them like any other's."""
    if folder is None:
        return []
    named = f"[{host}]" if ":" in host else host
    return [f"http://{each}:{port}" for each in dict.fromkeys(("127.0.0.1", "localhost", "[::1]", named))]
