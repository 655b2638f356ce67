"""Run a document's commands exactly as written, with the test's own data folder and ports."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
# The demo starts a stack and plays for about 20 s; everything else is far quicker.
LONGEST_SECONDS = 280

Done = subprocess.CompletedProcess[str]


def blocks(text: str, language: str) -> list[str]:
    """Return the document's fenced blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands(text: str) -> list[str]:
    """Return the commands of the document's bash blocks: one per line, unless a quote or a backslash joins several."""
    found: list[str] = []
    for block in blocks(text, "bash"):
        begun = ""
        for line in block.splitlines():
            begun += line
            if begun.endswith("\\") or _quotes_open(begun):
                begun += "\n"
            else:
                found.append(begun)
                begun = ""
        assert not begun, f"a command does not end: {begun}"
    return found


def _quotes_open(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


def run(command: str, settings: Settings) -> Done:
    """Run a line in a shell, in the checkout. A document's default ports are replaced by those of the stack."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "IMPRESSIONS_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "IMPRESSIONS_CLICKHOUSE_URL": settings.clickhouse_url,
        "IMPRESSIONS_DATA_DIR": str(settings.data_dir),
        "IMPRESSIONS_METRICS_PORT": str(settings.metrics_port),
        "IMPRESSIONS_COLLECTOR_PORT": str(settings.collector_port),
    }
    return subprocess.run(
        ["bash", "-c", on_our_ports(command, settings)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


def on_our_ports(text: str, settings: Settings) -> str:
    """Replace the document's addresses by the stack's, and the checkout's interpreter by the running one."""
    moved = text.replace("http://127.0.0.1:8123", settings.clickhouse_url)
    moved = moved.replace("127.0.0.1:9092", settings.kafka_bootstrap)
    moved = moved.replace("127.0.0.1:8080", f"127.0.0.1:{settings.collector_port}")
    for offset in range(2):  # worker 0 and sink 0
        moved = moved.replace(f"127.0.0.1:{9101 + offset}", f"127.0.0.1:{settings.metrics_port + offset}")
    scripts = Path(sys.executable).parent
    return moved.replace(".venv/bin/", f"{scripts}/")
