"""Whether the data folder can be written: asked before anything is started, so that the answer is one sentence."""

import errno
import tempfile
from pathlib import Path

from streams.errors import DiskFullError, KnownError, UserError

# What a person must change, and what passes once there is space.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT)


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


def unwritable(error: OSError) -> KnownError | None:
    """Return the sentence for a file of ours that can't be written; None for any other error of the system."""
    if error.filename is None or error.errno not in (*_REFUSED, *_FULL):
        return None
    kind = DiskFullError if error.errno in _FULL else UserError
    return kind(f"{error.filename} can't be written ({error.strerror}).")
