"""The package carries what it needs: a wheel is enough to provision and to run."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files in a wheel built from a copy of what git knows, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in (Path(each.decode()) for each in tracked if each):
        if (ROOT / name).exists() and name.parts[0] not in ("tests", "examples", "docs"):
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(folder / "source")], check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


@pytest.mark.parametrize(
    "wanted",
    [
        "streams/project/topics.yaml",
        "streams/project/schemas/impressions.v1.json",
        "streams/embedded/kafka/pom.xml",
        "streams/embedded/kafka/server.properties",
        *(f"streams/project/{p.relative_to(ROOT)}" for p in sorted((ROOT / "clickhouse").glob("*/*.sql"))),
    ],
)
def test_the_wheel_has(names: list[str], wanted: str) -> None:
    assert wanted in names


def test_the_wheel_holds_nothing_but_the_product(names: list[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"streams"}
