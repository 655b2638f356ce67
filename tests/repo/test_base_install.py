"""An installation without extras: the SDK works with its three dependencies; the command line names what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What `pip install impression-streams` installs: three packages and their dependencies.
ALONE = (
    "confluent_kafka",
    "orjson",
    "pydantic",
    *("annotated_types", "pydantic_core", "typing_extensions", "typing_inspection"),
)
# Only these can be imported; everything else in this environment is hidden.
BLOCK = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        standard = top in sys.stdlib_module_names or top.startswith("_sysconfigdata")
        if not standard and top not in {("streams", "impression_streams", *ALONE)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Block())
"""
RECORD = """
producer = ImpressionProducer("127.0.0.1:1")
assert producer.record("u1", "a1", impression_id="i1") == "i1"
try:
    producer.close(0)
except UndeliveredError as error:
    print([impression.impression_id for flush in error.flushes for impression in flush.impressions])
"""


def run(script: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, which is where Python looks for modules first."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", ["impression_streams", "streams.sdk"])
def test_the_sdk_works_with_its_three_dependencies(name: str) -> None:
    done = run(f"{BLOCK}\nfrom {name} import ImpressionProducer, UndeliveredError\n{RECORD}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "['i1']\n", "")


def test_the_sdk_over_http_needs_no_more() -> None:
    record = RECORD.replace('ImpressionProducer("127.0.0.1:1")', 'HttpImpressionProducer("https://127.0.0.1:1")')
    done = run(f"{BLOCK}\nfrom impression_streams import HttpImpressionProducer, UndeliveredError\n{record}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "['i1']\n", "")


def test_a_folder_called_streams_does_not_shadow_the_package(tmp_path: Path) -> None:
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "__init__.py").write_text("raise RuntimeError('somebody else')\n")
    assert "somebody else" in run("import streams", tmp_path).stderr
    done = run(f"from impression_streams import ImpressionProducer, UndeliveredError\n{RECORD}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['i1']\n", "")


def test_both_package_names_export_the_same() -> None:
    done = run(
        "import impression_streams as one, streams.sdk as other\n"
        "assert one.__all__ == other.__all__\n"
        "assert all(getattr(one, name) is getattr(other, name) for name in one.__all__)\n"
    )
    assert done.returncode == 0, done.stderr


def test_the_command_line_says_how_to_install_the_rest() -> None:
    done = run(f"{BLOCK}\nfrom streams.__main__ import main\nmain()")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "impressions needs typer, which is not installed: pip install 'impression-streams[server]'\n"
    )


def test_a_missing_module_of_our_own_is_reported_as_a_defect() -> None:
    break_it = "import sys; sys.modules['streams.settings'] = None"
    done = run(f"{break_it}\nfrom streams.__main__ import main\nmain()")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
