"""Whether the data folder can be written: asked before anything is started, so that the answer is one sentence."""

import tempfile
from pathlib import Path

from streams.errors import UserError


def require_writable(folder: Path) -> None:
    """Make the folder, if it is missing, and a file in it. Raises UserError that names the setting if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Tried, not asked for: permissions don't show a file system that is mounted read-only, or full.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"IMPRESSIONS_DATA_DIR is wrong: {folder.absolute()} can't be written ({error.strerror}): name a "
            "folder that this user may write."
        ) from None
