"""The package contains what it needs: a wheel is enough to provision and to run."""

import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import impression_streams

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from a copy of what git tracks, so that the checkout stays unchanged."""
    folder = tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in (Path(each.decode()) for each in tracked if each):
        if (ROOT / name).exists() and name.parts[0] not in ("tests", "examples", "docs"):
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(folder / "source")], check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


@pytest.fixture(scope="module")
def names(wheel: zipfile.ZipFile) -> list[str]:
    """The files in the wheel."""
    return wheel.namelist()


@pytest.mark.parametrize(
    "wanted",
    [
        "streams/project/topics.yaml",
        "streams/project/schemas/impressions.v1.json",
        "streams/embedded/kafka/pom.xml",
        "streams/embedded/kafka/server.properties",
        "streams/py.typed",
        "impression_streams/py.typed",
        "streams/collector/recorder/manifest.json",
        *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "streams/collector/recorder").glob("*.*s"))),
        *(f"streams/project/{p.relative_to(ROOT)}" for p in sorted((ROOT / "clickhouse").glob("*/*.sql"))),
    ],
)
def test_the_wheel_contains(names: list[str], wanted: str) -> None:
    assert wanted in names


def test_the_wheel_contains_only_the_product(names: list[str]) -> None:
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"impression_streams", "streams"}


def test_the_base_needs_three_packages_and_the_extra_the_rest(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    needed = Parser().parsestr(wheel.read(name).decode()).get_all("Requires-Dist") or []
    alone = [each for each in needed if "extra ==" not in each]
    server = [each for each in needed if each.endswith('extra == "server"')]
    assert [re.split(r"[^\w-]", each)[0] for each in alone] == ["confluent-kafka", "orjson", "pydantic"]
    assert {"structlog", "faust-streaming", "chdb"} <= {re.split(r"[^\w-]", each)[0] for each in server}


def test_mypy_strict_accepts_a_hosts_code_without_any_plugin(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """As a user's mypy does, which knows neither this checkout nor its settings; `tools.wheel` really installs it."""
    wheel.extractall(tmp_path / "installed")
    code = tmp_path / "typed_host.py"
    code.write_text((ROOT / "examples" / "typed_host.py").read_text())
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--follow-imports", "silent", str(code)]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "MYPYPATH": str(tmp_path / "installed")},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hosts_code_uses_every_public_name() -> None:
    code = (ROOT / "examples" / "typed_host.py").read_text()
    assert [name for name in impression_streams.__all__ if not re.search(rf"\b{name}\b", code)] == []
