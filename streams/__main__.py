"""`python -m streams` is `impressions`: the command line, or one sentence if a package it needs is not installed."""

import sys

OURS = ("streams", "impression_streams")


def main() -> None:
    """Run the command line. Without the extra `server`, print one sentence on stderr and exit with 2."""
    try:
        from streams.cli import main as run

        run()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in OURS:
            raise
        sys.stderr.write(
            f"impressions needs {error.name}, which is not installed: pip install 'impression-streams[server]'\n"
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
