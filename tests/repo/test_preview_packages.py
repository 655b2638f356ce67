"""The preview's npm packages: from one Grafana release."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "dashboards" / "preview"
PACKAGES: dict[str, Any] = json.loads((FOLDER / "package.json").read_text())


def test_grafanas_packages_are_from_one_release() -> None:
    versions = {version for name, version in PACKAGES["dependencies"].items() if name.startswith("@grafana/")}
    assert len(versions) == 1
