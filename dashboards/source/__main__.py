"""`python -m dashboards.source` writes the dashboards; with --check it reports which files differ from their source."""

import argparse
import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.source import coverage, delivery, edge, overview, pipeline, user
from dashboards.source.queries import register

FOLDER = Path(__file__).resolve().parents[1] / "grafana" / "dashboards"


def made() -> dict[str, str]:
    """Return the JSON of each dashboard by its file name."""
    built = [module.dashboard() for module in (overview, coverage, delivery, edge, pipeline, user)]
    return {f"{dashboard.uid}.json": encoded(dashboard) for dashboard in built}


def encoded(dashboard: model.Dashboard) -> str:
    """Return a dashboard's JSON as it is committed."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def reread(text: str) -> str:
    """Return a dashboard's JSON read and written by the SDK, which drops keys that it doesn't know."""
    register()
    return encoded(model.Dashboard.from_json(json.loads(text)))


def drifted() -> list[str]:
    """Return the names of files that differ from their source, are missing, or have no source."""
    found = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    wanted = made()
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


def write() -> None:
    """Write all dashboards, and remove any other JSON file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = made()
    for path in FOLDER.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


def main() -> int:
    """Write or compare. Return 1 if a dashboard differs."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.source", description="Write Grafana's dashboards.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs from its source")
    if not parser.parse_args().check:
        write()
        return 0
    different = drifted()
    for name in different:
        sys.stderr.write(f"{name} differs from its source: run python -m dashboards.source\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
