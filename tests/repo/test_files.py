"""What no file of the project may contain, and how large modules and functions may be."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Written in pieces, so this file does not contain what it forbids.
REGISTRIES = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "registry.yarnpkg" + ".com"]
REGISTRIES += ["repo1.maven" + ".org", "repo.maven.apache" + ".org", "proxy.golang" + ".org", "crates" + ".io"]
MACHINE_PATHS = [r"(?<![\w.])/" + rf"{folder}/" for folder in ("work", "home", "root", "Users")]
FORBIDDEN = re.compile("|".join([*map(re.escape, REGISTRIES), *MACHINE_PATHS]))
# A subject that needs more should be two modules.
MOST_LINES = 300
# A function fits on a screen: an editor's window shows about 60 lines.
MOST_LINES_OF_A_BODY = 60


def tracked_files() -> list[Path]:
    """Every file that is, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_registry_host_or_a_machines_path() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tracked_files()
        if b"\0" not in (data := path.read_bytes())
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_guard_finds_what_it_looks_for() -> None:
    assert FORBIDDEN.search("see https://" + REGISTRIES[0] + "/simple")
    assert FORBIDDEN.search("in " + "/ho" + "me/someone/project")
    assert not FORBIDDEN.search("cleaned/workers, a/home/b, /api/v1/impressions")


def test_the_lock_file_pins_every_package_by_hash_and_names_no_index() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert not [line for line in lines if re.search(r"index-url|find-links|https?://|trusted-host| @ ", line)]
    pinned = [line for line in lines if re.match(r"[A-Za-z0-9]", line)]
    assert len(pinned) > 50
    assert all(re.match(r"[A-Za-z0-9._\[\],-]+==[\w.+!-]+( ; [^\\]+)? \\$", line) for line in pinned)


def modules(*suffixes: str) -> list[Path]:
    return [path for path in tracked_files() if path.suffix in suffixes]


def test_no_module_is_too_long() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in modules(".py", ".ts", ".tsx", ".js", ".mjs", ".java")}
    assert {path.suffix for path in sizes} >= {".py", ".tsx", ".java"}
    assert not {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > MOST_LINES}


def long_functions(source: str) -> list[str]:
    """Return the name and size of each function with more than MOST_LINES_OF_A_BODY lines below its docstring."""
    long = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            before = first.end_lineno if ast.get_docstring(node) is not None else first.lineno - 1
            size = (node.end_lineno or 0) - (before or 0)
            long += [f"{node.name}: {size} lines"] if size > MOST_LINES_OF_A_BODY else []
    return long


def test_no_function_is_too_long() -> None:
    found = {str(path.relative_to(ROOT)): long_functions(path.read_text()) for path in modules(".py")}
    assert not {path: functions for path, functions in found.items() if functions}


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("docstring", ["", '        """One.\n\n        Two."""\n'])
def test_a_long_function_is_found_and_docstrings_do_not_count(kind: str, docstring: str) -> None:
    def source(lines: int) -> str:
        return f"class A:\n    {kind} a(\n        self,\n    ):\n{docstring}" + "        pass\n" * lines

    assert long_functions(source(MOST_LINES_OF_A_BODY)) == []
    found = long_functions(source(MOST_LINES_OF_A_BODY + 1) + source(1))
    assert found == [f"a: {MOST_LINES_OF_A_BODY + 1} lines"]


def test_every_module_has_a_docstring() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in modules(".py")}
    silent = [name for name, text in texts.items() if text and ast.get_docstring(ast.parse(text)) is None]
    assert not silent
