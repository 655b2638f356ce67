"""Finds the project's files that are not Python, starting from the package's own folder, not the working folder."""

from pathlib import Path

from streams.errors import UserError

PACKAGE = Path(__file__).resolve().parent
# An installed package contains a copy; in a checkout the files are beside the package.
ROOTS = (PACKAGE / "project", PACKAGE.parent)


def project_path(relative: str) -> Path:
    """Return a file or folder of the project, such as ``clickhouse/migrations``. Raises UserError if it is missing."""
    for root in ROOTS:
        if (path := root / relative).exists():
            return path
    raise UserError(f"{relative} is missing from this installation of impression-streams: install it again.")


def migrations_folder() -> Path:
    """Return the folder of ClickHouse's numbered migrations."""
    return project_path("clickhouse/migrations")
