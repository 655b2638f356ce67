"""What no file of the project may hold, and how large a module may be."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Written in pieces, so that this file is no example of what it forbids.
REGISTRIES = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "registry.yarnpkg" + ".com"]
REGISTRIES += ["repo1.maven" + ".org", "repo.maven.apache" + ".org", "proxy.golang" + ".org", "crates" + ".io"]
MACHINE_PATHS = [r"(?<![\w.])/" + rf"{folder}/" for folder in ("work", "home", "root", "Users")]
FORBIDDEN = re.compile("|".join([*map(re.escape, REGISTRIES), *MACHINE_PATHS]))
MOST_LINES = 300


def tracked_files() -> list[Path]:
    """Every file that is, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_path_of_some_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tracked_files()
        if b"\0" not in (data := path.read_bytes())
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_guard_knows_what_it_looks_for() -> None:
    assert FORBIDDEN.search("see https://" + REGISTRIES[0] + "/simple")
    assert FORBIDDEN.search("in " + "/ho" + "me/someone/project")
    assert not FORBIDDEN.search("cleaned/workers, a/home/b, /api/v1/impressions")


def test_the_lock_file_pins_every_package_by_hash_and_names_no_index() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert not [line for line in lines if re.search(r"index-url|find-links|https?://|trusted-host| @ ", line)]
    pinned = [line for line in lines if re.match(r"[A-Za-z0-9]", line)]
    assert len(pinned) > 50
    assert all(re.match(r"[A-Za-z0-9._\[\],-]+==[\w.+!-]+( ; [^\\]+)? \\$", line) for line in pinned)


@pytest.mark.parametrize("folder", ["streams", "tests"])
def test_no_module_is_long(folder: str) -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    long = {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > MOST_LINES}
    if folder == "streams":
        assert not long
    else:
        assert not {path: size for path, size in long.items() if size > MOST_LINES + MOST_LINES // 3}


@pytest.mark.parametrize("path", sorted((ROOT / "streams").rglob("*.py")), ids=lambda path: path.stem)
def test_every_module_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert not text or text.startswith('"""')
