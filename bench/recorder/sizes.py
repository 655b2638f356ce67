"""What the recorder's files and features weigh."""

import json
import subprocess
from pathlib import Path
from typing import Any

from bench.recorder.serving import RECORDER
from streams.errors import UserError

SCRIPT = Path(__file__).with_name("sizes.mjs")
BUILD_SECONDS = 120.0


def measure() -> dict[str, Any]:
    """Return the bytes of the built files, and of each feature. Raises UserError without Node or esbuild."""
    try:
        done = subprocess.run(["node", str(SCRIPT)], capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except OSError as error:
        raise UserError("Node is missing, which measures the recorder's size: install Debian's nodejs.") from error
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if "Error:" in line), "it says nothing")
        raise UserError(f"The recorder can't be built ({reason}): run `npm ci` in recorder.")
    files = json.loads((RECORDER / "manifest.json").read_text())["files"]
    scripts = {name: each for name, each in files.items() if name.endswith((".js", ".mjs"))}
    shown = {name: {part: each[part] for part in ("bytes", "gzip_bytes")} for name, each in scripts.items()}
    return {"files": shown, **json.loads(done.stdout)}
