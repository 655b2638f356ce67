"""The browser's recorder, built: /recorder.js and the like, and each version's own files, which never change.

`make recorder` writes the files; they are read, checked and compressed once, at the start. Any page may load them: they
are the same for everyone, so they need no list of origins, and no credentials.
"""

import re
from base64 import b64encode
from hashlib import sha384
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streams.collector.http.files import File, media_type
from streams.collector.reads.answers import ProblemError
from streams.runtime import log

logger = log.get(__name__)

FOLDER = Path(__file__).resolve().parents[1] / "recorder"
MANIFEST = "manifest.json"
# Where the current version's files are, beside their own places.
CURRENT = {"/recorder.js": "recorder.js", "/recorder.mjs": "recorder.mjs", "/recorder-stub.js": "stub.js"}

_OPEN = {"access-control-allow-origin": "*"}
_FOREVER = {**_OPEN, "cache-control": "public, max-age=31536000, immutable"}
# How long a page may get the version before, after a collector was replaced (s).
_SHORTLY = {**_OPEN, "cache-control": "public, max-age=300"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
ABSENT = "This collector was installed without the recorder: in a checkout, `make recorder` builds it."


class UnusableError(Exception):
    """There is no recorder to be served; the text says why, in a sentence."""


class Recorder:
    """One version's files."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read them. Raises UnusableError if there are none, or others than the manifest names."""
        try:
            manifest = orjson.loads((folder / MANIFEST).read_bytes())
            self.version = _checked(manifest["version"])
            contents = {_checked(name): (folder / name).read_bytes() for name in manifest["files"]}
            promised = {name: each["integrity"] for name, each in manifest["files"].items()}
        except FileNotFoundError as error:
            raise UnusableError(ABSENT if error.filename == str(folder / MANIFEST) else _broken(folder)) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UnusableError(_broken(folder)) from None
        if promised != {name: integrity(content) for name, content in contents.items()}:
            # Browsers would refuse it on every page that names its hash.
            raise UnusableError(_broken(folder))
        # Source maps and types need no hash; they may be in the manifest all the same.
        for path in sorted(folder.glob("*")):
            if path.suffix in (".map", ".ts"):
                contents.setdefault(path.name, path.read_bytes())
        types = {name: media_type(name) for name in contents}
        self.files = {name: File(contents[name], found, compress=True) for name, found in types.items() if found}
        self.manifest = File(orjson.dumps(self._described(promised)), "application/json", compress=True)

    def _described(self, promised: dict[str, str]) -> dict[str, Any]:
        files = {
            name: {
                "path": f"/recorder/{self.version}/{name}",
                "integrity": promised[name],
                "bytes": len(self.files[name].content),
                "gzip_bytes": self.files[name].gzip_bytes,
            }
            for name in promised
            if name in self.files
        }
        return {"version": self.version, "files": files}


def integrity(content: bytes) -> str:
    """Return what an `integrity` attribute has for these bytes (W3C, Subresource Integrity)."""
    return f"sha384-{b64encode(sha384(content).digest()).decode()}"


def routes(folder: Path = FOLDER) -> list[Route]:
    """Return the routes; without a usable recorder, each says in a sentence why there is nothing."""
    recorder: Recorder | None = None
    why = ""
    try:
        recorder = Recorder(folder)
    except UnusableError as error:
        why = str(error)
        if why != ABSENT:
            logger.warning("recorder_unusable", why=why)

    def found() -> Recorder:
        if recorder is None:
            raise _missing(why)
        return recorder

    async def versioned(request: Request) -> Response:
        here, version, name = found(), request.path_params["version"], request.path_params["name"]
        if version != here.version:
            raise _missing(f"Of the recorder, version {here.version} is here, and no other.")
        return _file(here, name).answer(request, {**_FOREVER, **_source_map(here, name, "")})

    async def current(request: Request) -> Response:
        here, name = found(), CURRENT[request.url.path]
        return _file(here, name).answer(request, {**_SHORTLY, **_source_map(here, name, f"recorder/{here.version}/")})

    async def manifest(request: Request) -> Response:
        return found().manifest.answer(request, _SHORTLY)

    return [
        Route("/recorder.json", manifest),
        *(Route(path, current) for path in CURRENT),
        Route("/recorder/{version}/{name}", versioned),
    ]


def _file(recorder: Recorder, name: str) -> File:
    if name not in recorder.files:
        raise _missing(f"Version {recorder.version} of the recorder has {', '.join(recorder.files)}, and no such file.")
    return recorder.files[name]


def _source_map(recorder: Recorder, name: str, folder: str) -> dict[str, str]:
    """Return the header that leads to a file's map, which is in this folder, as seen from the file's address."""
    of_it = f"{name}.map"
    return {"sourcemap": f"{folder}{of_it}"} if of_it in recorder.files else {}


def _missing(why: str) -> ProblemError:
    # Without the header, a browser would tell of CORS and not of this.
    return ProblemError(404, "not_found", why, **{name.replace("-", "_"): value for name, value in _OPEN.items()})


def _checked(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(name)
    return name


def _broken(folder: Path) -> str:
    return f"The recorder's files in {folder} aren't those of its manifest: install impression-streams again."
