"""`impressions catalogue load` against a real broker: two at once, killed midway, beside somebody else's producer."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.catalogue_load.writer import Writer
from streams.core.artwork_record import Refusal
from streams.core.catalogue import Artwork, Catalogue
from streams.embedded.components import environment
from streams.errors import FencedError
from streams.kafka.admin import ends, watermarks
from streams.kafka.names import ARTWORKS
from streams.kafka.read import AT_ENDS, reader, up_to
from streams.settings import Settings
from tests.support import topics
from tests.support.kafka import start_broker, stop_broker
from tests.support.load import at_home, flush, impression, now_ms, produce
from tests.support.stack import produce_catalogue, provision_log, stack_settings
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 120.0
# Takes a load a few seconds, in a dozen transactions.
MANY = 60_000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A broker of this file's own: it re-creates the catalogue."""
    settings = stack_settings(tmp_path_factory.mktemp("load"))
    try:
        start_broker(settings)
        provision_log(settings)
        yield settings
    finally:
        stop_broker(settings)


@pytest.fixture
def settings(broker: Settings) -> Settings:
    """The same, with an empty catalogue."""
    topics.delete(broker, ARTWORKS)
    provision_log(broker)
    return broker


def begin(settings: Settings, file: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "streams", "catalogue", "load", str(file), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=os.environ | environment(settings), stdout=pipe, stderr=pipe, text=True)


def load(settings: Settings, file: Path, *options: str, exits: int = 0) -> str:
    """Run the command to its end; return what it said."""
    process = begin(settings, file, *options)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == exits, out + err
    assert "Traceback" not in err
    return out + err


def artworks(folder: Path, name: str, rows: Iterator[str] | list[str], columns: str = "artwork_id,pool_id") -> Path:
    path = folder / name
    path.write_text("\n".join([columns, *rows, ""]))
    return path


def catalogue(settings: Settings) -> tuple[Catalogue, int]:
    """Read the topic as every reader does; return it, and how many records were refused."""
    found, refused = Catalogue(), 0
    consumer = reader(settings, **AT_ENDS)
    low, end = watermarks(settings, ARTWORKS, 0)
    for records, _ in up_to(consumer, TopicPartition(ARTWORKS, 0, low), end, 1_000, 0.5, SECONDS):
        refused += sum(isinstance(found.apply(each.key(), each.value()), Refusal) for each in records)
    consumer.close()
    return found, refused


def ordinals(found: Catalogue, names: list[str]) -> list[int | None]:
    return [found.ordinal(name) for name in names]


def test_what_a_file_says_is_added_changed_and_retired(settings: Settings, tmp_path: Path) -> None:
    first = artworks(tmp_path, "a.csv", ["a1,main", "a2,main", "a3,side", "a 4,main", "a5,main"])
    assert "3 to add" not in load(settings, first, "--dry-run", exits=1)
    assert len(catalogue(settings)[0]) == 0
    said = load(settings, first, exits=1)
    assert "bad row a.csv:5: artwork_id" in said
    assert "4 records were written" in said
    second = artworks(tmp_path, "b.csv", ["a1,main,1", "a2,side,", "a6,main,"], "artwork_id,pool_id,retired")
    assert "0 records" not in load(settings, second, "--retire-missing")
    found, refused = catalogue(settings)
    assert refused == 0
    assert [found.get(f"a{n}") for n in (1, 2, 3, 5, 6)] == [
        Artwork("a1", 0, "main", True),
        Artwork("a2", 1, "side", False),
        Artwork("a3", 2, "side", True),
        Artwork("a5", 3, "main", True),
        Artwork("a6", 4, "main", False),
    ]
    assert "0 records were written" in load(settings, second, "--retire-missing")


def test_a_load_that_is_killed_is_completed_by_the_next(settings: Settings, tmp_path: Path) -> None:
    names = [f"a{n}" for n in range(MANY)]
    file = artworks(tmp_path, "many.csv", [f"{name},main" for name in names])
    process = begin(settings, file)
    until(lambda: ends(settings, ARTWORKS, [0], IsolationLevel.READ_COMMITTED)[0] > 0, SECONDS, "some are written")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    written = len(catalogue(settings)[0])
    assert 0 < written < MANY, "it was killed midway"
    assert f"{written:,} as they are" in load(settings, file)
    found, refused = catalogue(settings)
    assert ordinals(found, names) == list(range(MANY))
    assert refused == 0


def test_a_load_that_is_interrupted_says_how_far_it_came(settings: Settings, tmp_path: Path) -> None:
    process = begin(settings, artworks(tmp_path, "many.csv", [f"a{n},main" for n in range(MANY)]))
    until(lambda: ends(settings, ARTWORKS, [0], IsolationLevel.READ_COMMITTED)[0] > 0, SECONDS, "some are written")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (130, "")
    (written,) = re.findall(r"Interrupted\. ([\d,]+) of 60,000 records were written: running it again writes", out)
    found, refused = catalogue(settings)
    assert (len(found), refused) == (int(written.replace(",", "")), 0)


def test_two_loads_at_once_give_no_ordinal_twice_and_lose_nothing(settings: Settings, tmp_path: Path) -> None:
    files = [
        artworks(tmp_path, f"{owner}.csv", [f"{owner}{n},{owner}" for n in range(MANY // 4)]) for owner in ("x", "y")
    ]
    running = [begin(settings, file) for file in files]
    for process, file in zip(running, files, strict=True):
        _, err = process.communicate(timeout=SECONDS)
        if process.returncode:
            assert process.returncode == 2, err
            assert "Another `impressions catalogue load` has begun" in err
            assert "running it again writes the rest" in err
            load(settings, file)
    found, refused = catalogue(settings)
    assert refused == 0
    given = ordinals(found, [f"{owner}{n}" for owner in ("x", "y") for n in range(MANY // 4)])
    assert sorted(given, key=str) == sorted(range(len(given)), key=str)


def test_a_load_that_begins_ends_the_one_before_it_and_its_open_transaction(settings: Settings) -> None:
    first, second = Writer(settings), Writer(settings)
    first.fence()
    first.write([("a", b'{"pool_id":"p","ordinal":0}')])
    second.fence()
    with pytest.raises(FencedError, match="Another `impressions catalogue load` has begun"):
        first.write([("b", b'{"pool_id":"p","ordinal":1}')])
    second.write([("c", b'{"pool_id":"p","ordinal":1}')])
    found, refused = catalogue(settings)
    assert (ordinals(found, ["a", "b", "c"]), refused) == ([0, None, 1], 0)


def test_what_is_committed_is_not_aborted_by_a_late_interrupt(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the client's commit, and before the writer's note of it."""

    def interrupted(writer: Writer, call: Callable[[], object]) -> None:
        call()
        raise KeyboardInterrupt

    writer = Writer(settings)
    writer.fence()
    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_patiently", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.write([("a", b'{"pool_id":"p","ordinal":0}')])
    writer.abort()
    writer.write([("b", b'{"pool_id":"p","ordinal":1}')])
    found, refused = catalogue(settings)
    assert (ordinals(found, ["a", "b"]), refused) == ([0, 1], 0)


def test_a_load_that_is_ended_while_it_writes_says_so(settings: Settings) -> None:
    """The client learns it in the background; the record after that is what fails."""
    first, second = Writer(settings), Writer(settings)
    first.fence()
    second.fence()
    many = ((f"a{n}", b'{"pool_id":"p","ordinal":%d}' % n) for n in range(10_000_000))
    with pytest.raises(FencedError, match="Another `impressions catalogue load` has begun"):
        first.write(many)  # type: ignore[arg-type]  # endless


def test_a_producer_that_takes_an_ordinal_first_is_given_way(settings: Settings, tmp_path: Path) -> None:
    other = Producer({"bootstrap.servers": settings.kafka_bootstrap, "transactional.id": "somebody"})
    other.init_transactions()
    other.begin_transaction()
    other.produce(ARTWORKS, b'{"pool_id":"p","ordinal":0}', "theirs", partition=0)
    other.flush()
    # Their transaction hides the end of the log: the load waits for it before it gives an ordinal.
    process = begin(settings, artworks(tmp_path, "a.csv", ["ours,p"]))
    assert process.stdout is not None
    said = iter(process.stdout.readline, "")
    assert any("waiting for its end" in line for line in said)
    other.commit_transaction()
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    found, refused = catalogue(settings)
    assert (ordinals(found, ["theirs", "ours"]), refused) == ([0, 1], 0)


def test_a_catalogue_without_its_beginning_is_not_added_to(settings: Settings, tmp_path: Path) -> None:
    produce_catalogue(settings, [(f"a{n}", {"pool_id": "p", "ordinal": n}) for n in range(3)])
    topics.configure(settings, ARTWORKS, "cleanup.policy", "compact,delete")
    place, client = TopicPartition(ARTWORKS, 0, 2), AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    client.delete_records([place])[place].result(SECONDS)
    said = load(settings, artworks(tmp_path, "a.csv", ["new,p"]), exits=2)
    assert "artworks.v1 begins at offset 2" in said


def test_a_worker_says_what_nobody_catalogued_until_it_is_loaded(settings: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(settings)
    worker.start()
    try:
        worker.wait_ready()
        seen = [impression(f"x{n}", now_ms()) for n in range(3)]
        produce(settings, [at_home("u1", flush("u1", seen))])
        until(lambda: shows(worker, "impressions_uncatalogued_artworks", 3), SECONDS, "they are counted")
        assert shows(worker, "impressions_worker_uncatalogued_total", 3)
        assert worker.output().count("impressions_uncatalogued") == 1
        load(settings, artworks(tmp_path, "late.csv", ["x0,p", "x1,p", "x2,p"]))
        until(lambda: shows(worker, "impressions_uncatalogued_artworks", 0), SECONDS, "they are known")
    finally:
        worker.kill()


def shows(worker: WorkerProcess, metric: str, value: float) -> bool:
    return f"\n{metric} {float(value)}\n" in worker.metrics()


def refused_by(tmp_path: Path, **variables: Any) -> str:
    process = begin(Settings.model_validate(variables), artworks(tmp_path, "a.csv", ["a,p"]))
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    (line,) = err.splitlines()
    return line


def test_without_a_broker_it_is_one_sentence(tmp_path: Path) -> None:
    assert "127.0.0.1:1" in refused_by(tmp_path, kafka_bootstrap="127.0.0.1:1", data_dir=tmp_path)
