"""The recorder's npm package: its unit tests, the built files, and what somebody else gets who installs it."""

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 280

USER = """
import { createRecorder, type Options, type Recorder } from "impression-recorder";
const options: Options = { endpoint: "https://collect.example", userId: "u42", visible: "mrc-large" };
const recorder: Recorder = createRecorder(options);
const stop: () => void = recorder.observe(document.body, "a1", { position: 1 });
const id: string | null = recorder.record("a1", { dwellMs: 5 });
recorder.on("acknowledged", ({ rejected }) => console.log(rejected.map((each) => each.reason), id, stop));
// @ts-expect-error: there is no such event
recorder.on("arrived", () => {});
"""


def run(folder: Path, *command: str) -> str:
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert found.returncode == 0, f"{' '.join(command)}: {found.stdout[-4000:]}{found.stderr[-4000:]}"
    return found.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of recorder/ with its packages, beside a copy of the files that the collector serves."""
    if missing := [name for name in ("node", "npm", "gzip") if shutil.which(name) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    root = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("node_modules", "dist", ".build")
    copy = shutil.copytree(ROOT / "recorder", root / "recorder", ignore=ignored)
    shutil.copytree(ROOT / "streams" / "collector" / "recorder", root / "streams" / "collector" / "recorder")
    command = ["npm", "ci", "--no-progress"]
    try:
        found = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip("npm can't fetch the build's packages: no answer")
    # Whatever else npm complains of, a lock file that doesn't fit, say, is ours.
    if found.returncode and (away := re.search(r"E(?:NOTFOUND|AI_AGAIN|TIMEDOUT|CONN\w+|NETUNREACH)", found.stderr)):
        pytest.skip(f"npm can't fetch the build's packages: {away[0]}")
    assert found.returncode == 0, found.stderr
    return copy


def test_its_unit_tests_pass(package: Path) -> None:
    said = run(package, "npm", "test")
    assert "# fail 0" in said
    assert "# skipped 0" in said


def test_what_the_collector_serves_is_built_from_this_source(package: Path) -> None:
    run(package, "node", "build.mjs", "--check")


def test_a_page_of_somebody_else_builds_with_the_packed_package(package: Path, tmp_path: Path) -> None:
    packed = run(package, "npm", "pack", "--silent", "--pack-destination", str(tmp_path)).strip().splitlines()[-1]
    with tarfile.open(tmp_path / packed) as archive:
        names = set(archive.getnames())
        assert {f"package/dist/{name}" for name in ("recorder.mjs", "recorder.mjs.map", "recorder.d.ts")} <= names
        assert not [name for name in names if "/src/" in name or "/test/" in name]
        archive.extractall(tmp_path, filter="data")
    installed = tmp_path / "node_modules" / "impression-recorder"
    shutil.move(tmp_path / "package", installed)
    (tmp_path / "page.ts").write_text(USER)
    (tmp_path / "package.json").write_text('{"type":"module","private":true}')
    tools = package / "node_modules" / ".bin"
    run(tmp_path, str(tools / "tsc"), "--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler",
        "--lib", "es2022,dom", "--types", "", "page.ts")  # fmt: skip
    built = run(tmp_path, str(tools / "esbuild"), "page.ts", "--bundle", "--format=esm")
    assert "collect.example" in built
    assert "impression-recorder" in built
