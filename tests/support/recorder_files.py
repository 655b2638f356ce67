"""Files as `make recorder` writes them, with a recorder that does nothing: for tests of what serves them."""

from pathlib import Path

import orjson

from streams.collector.http.recorder import integrity

VERSION = "1.0.0"
# Long enough to be worth compressing.
FILES = {
    "recorder.js": b"var ImpressionRecorder=(()=>({createRecorder(){return null}}))();\n" * 20,
    "recorder.mjs": b"export const createRecorder=()=>null;\n" * 20,
    "stub.js": b"self.ImpressionRecorder={};\n",
}
BESIDE = {"recorder.js.map": b'{"version":3,"sources":[]}', "recorder.d.ts": b"export {};\n"}


def write(folder: Path, version: str = VERSION) -> Path:
    """Write them, and return their folder."""
    folder.mkdir(exist_ok=True)
    for name, content in (FILES | BESIDE).items():
        (folder / name).write_bytes(content)
    described = {
        name: {"integrity": integrity(content), "bytes": len(content), "gzip_bytes": 0}
        for name, content in FILES.items()
    }
    (folder / "manifest.json").write_bytes(orjson.dumps({"version": version, "files": described}))
    return folder
