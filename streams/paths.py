"""Where the project's files are that are no Python: found from the package's own place, whatever the working folder."""

from pathlib import Path

from streams.errors import UserError

PACKAGE = Path(__file__).resolve().parent
# An installed package carries a copy inside itself; in a checkout the files lie beside the package.
ROOTS = (PACKAGE / "project", PACKAGE.parent)


def project_path(relative: str) -> Path:
    """Return a file or folder of the project, such as ``clickhouse/migrations``. Raises UserError when it has none."""
    for root in ROOTS:
        if (path := root / relative).exists():
            return path
    raise UserError(f"{relative} is missing from this installation of impression-streams: install it again.")


def migrations_folder() -> Path:
    """ClickHouse's numbered migrations."""
    return project_path("clickhouse/migrations")
