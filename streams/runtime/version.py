"""What runs here: `impressions --version`."""

import platform
import subprocess
from pathlib import Path

import confluent_kafka

from streams import __version__

# The checkout, if the package is in one.
ROOT = Path(__file__).resolve().parents[2]
GIT_SECONDS = 5.0


def version(root: Path = ROOT) -> str:
    """Return the package's version, the commit if it runs from a checkout, and what decides how it talks to Kafka."""
    commit = _commit(root)
    ours = f"impressions {__version__}" + (f" (commit {commit})" if commit else "")
    return f"{ours}, librdkafka {confluent_kafka.libversion()[0]}, Python {platform.python_version()}"


def _commit(root: Path) -> str:
    """Return the checkout's commit, with a + if files differ from it; empty without a checkout or without git."""
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GIT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
