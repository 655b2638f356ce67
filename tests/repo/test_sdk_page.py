"""The SDK's reference says what its docstrings say, and its typing holds for users who check theirs strictly."""

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import impression_streams
from tools import sdk_page

ROOT = Path(__file__).resolve().parents[2]

GOOD = """
import asyncio
import ssl
from datetime import UTC, datetime
from typing import assert_type

from impression_streams import (
    AsyncHttpImpressionProducer,
    AsyncImpressionProducer,
    BufferFullError,
    Delivery,
    Flush,
    HttpImpressionProducer,
    ImpressionProducer,
    MissingTopicError,
    RawRecord,
    Rejection,
    Stats,
    Undelivered,
    UndeliveredError,
    from_id,
    to_id,
)


def report(delivery: Delivery) -> None:
    assert_type(delivery.error, str | None)
    assert_type(delivery.rejected, tuple[Rejection, ...])
    assert_type(delivery.accepted, int)


with ImpressionProducer("kafka:9092", tier="pro", on_delivery=report, config={"client.id": "shop"}) as producer:
    assert_type(producer.record("u1", "a1", datetime.now(UTC), visible=1, position=3), str)
    producer.record(user_id=to_id("auth0|5f7c"), artwork_id=from_id("a1"), seen_at=1_764_489_600_000)
    producer.send_flush({"v": 1})
    producer.send_raw(None, partition=1, key="u1")
    producer.flush("u1", reason="hidden")
    assert_type(producer.wait(1), bool)
    assert_type(producer.stats, Stats)
    assert_type(producer.stats.sent, int)
    assert_type(producer.take_undelivered(), Undelivered)
try:
    producer.close(timeout=5)
except UndeliveredError as error:
    assert_type(error.flushes, list[Flush])
    assert_type(error.records, list[RawRecord])
    assert_type(error.flushes[0].impressions[0].dwell_ms, int | None)
except (BufferFullError, MissingTopicError):
    raise


async def main() -> None:
    async with AsyncImpressionProducer("kafka:9092") as producer:
        assert_type(await producer.record("u1", "a1"), str)
        assert_type(await producer.send_flush({"v": 1}), Delivery)
        assert_type(await producer.wait(1), bool)


asyncio.run(main())


def record(producer: ImpressionProducer | HttpImpressionProducer) -> None:
    assert_type(producer.record("u1", "a1"), str)
    producer.flush()
    producer.close(5)


async def over_http() -> None:
    context = ssl.create_default_context()
    async with AsyncHttpImpressionProducer("https://c.example.com", token=lambda: "t", tls=context) as producer:
        assert_type(await producer.send_flush({"v": 1}), Delivery)


record(HttpImpressionProducer("http://c:8080", tier="pro", user_token=str.upper, connections=1, on_delivery=report))
asyncio.run(over_http())
"""
# One mistake a line, and the code of the error that finds it.
BAD = {
    'ImpressionProducer(tier="gold")': "arg-type",
    'ImpressionProducer(compresion="lz4")': "call-arg",
    'ImpressionProducer().record("u1", 14)': "arg-type",
    'ImpressionProducer().record("u1", "a1", 1764489600.5)': "arg-type",
    'ImpressionProducer().flush(reason="because")': "arg-type",
    "ImpressionProducer().stats.buffered = 1": "misc",
    "to_id(None)": "arg-type",
    'HttpImpressionProducer(bootstrap="http://c")': "call-arg",
    "HttpImpressionProducer(token=b'x')": "arg-type",
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which the SDK is installed, with what it needs, and nothing of ours else."""
    folder = tmp_path_factory.mktemp("host")
    venv.create(folder, with_pip=False)
    (site,) = (folder / "lib").glob("python3*/site-packages")
    shutil.copytree(ROOT / "impression_streams", site / "impression_streams")
    (needed,) = {Path(module.__file__ or "").parents[1] for module in (__import__("pydantic"), __import__("orjson"))}
    (site / "needed.pth").write_text(f"{needed}\n")
    return folder / "bin" / "python"


def strictly(host: Path, folder: Path, *sources: str) -> str:
    """Return what mypy --strict says of a user's files."""
    files = []
    for number, source in enumerate(sources):
        files.append(folder / f"user_{number}.py")
        files[-1].write_text(source)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable", str(host)]
    done = subprocess.run(
        [*command, *map(str, files)], cwd=folder, capture_output=True, text=True, check=False, timeout=250
    )
    return done.stdout


def test_strict_typing_accepts_what_is_right_and_finds_each_mistake(host: Path, tmp_path: Path) -> None:
    bad = "\n".join(["from impression_streams import HttpImpressionProducer, ImpressionProducer, to_id", *BAD])
    said = strictly(host, tmp_path, GOOD, bad)
    assert "user_0.py" not in said, said
    assert re.findall(r"user_1.py:(\d+): error: .*\[([a-z-]+)\]", said) == [
        (str(line), code) for line, code in enumerate(BAD.values(), 2)
    ], said


def test_strict_typing_accepts_the_examples_of_the_docs(host: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "sdk.md").read_text(), re.MULTILINE | re.DOTALL)
    programs = [block for block in blocks if block.startswith(("import", "from"))]
    assert len(programs) >= 6
    assert strictly(host, tmp_path, *programs).startswith("Success")


def test_the_reference_matches_the_docstrings() -> None:
    assert sdk_page.PAGE.read_text() == sdk_page.page(), "run `make schemas`"


@pytest.mark.parametrize("name", impression_streams.__all__)
def test_everything_public_has_a_docstring_and_an_entry(name: str) -> None:
    page = sdk_page.page()
    entry = page[page.index(f"\n## {name}\n") :].split("\n## ", 2)[1]
    assert len(entry.splitlines()) > 2
    assert "### " not in entry or "\n\n\n" not in entry


def test_every_method_of_the_producers_is_in_the_reference() -> None:
    page = sdk_page.page()
    for producer in [name for name in impression_streams.__all__ if name.endswith("Producer")]:
        for method in ("record", "send_flush", "send_raw", "flush", "wait", "close", "stats", "take_undelivered"):
            assert f"\n### {producer}.{method}\n" in page
