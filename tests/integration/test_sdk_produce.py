"""`impressions produce` against a real broker: what it sends, a second run, Ctrl-C, and a broker that hangs."""

import io
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from streams.core.decode import DecodedFlush, decode
from streams.embedded.components import component
from streams.errors import UserError
from streams.produce import playback
from streams.produce.options import ProduceOptions
from streams.produce.run import run
from streams.settings import Settings
from tests.support.kafka import running_broker
from tests.support.sdk import create_topic, end_offsets, impression_ids, read_all
from tests.support.wait import until

pytestmark = pytest.mark.integration

LOG = Path(__file__).parents[2] / "examples" / "open-bandit-random-all.csv.gz"
MAPS = ("user_id=user", "artwork_id=item_id", "seen_at=timestamp")
PLAY = {"maps": MAPS, "artwork_format": "a{:04d}", "rebase_to": "2026-01-02", "compress_to": "12h"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Settings]:
    with running_broker(tmp_path) as settings:
        yield settings


def produce(settings: Settings, log: Path = LOG, **options: object) -> tuple[int, str]:
    out = io.StringIO()
    report = run([log], ProduceOptions.parse(**{**PLAY, **options}), settings, Console(file=out))  # type: ignore[arg-type]
    return report.exit_code, out.getvalue()


def mixed_log(folder: Path) -> Path:
    """A preamble, impressions, other events, a quote that is never closed, and an id that is none."""
    seen = [f"u{n},{n},2026-01-01,seen," for n in range(40)]
    viewed = [f"u{n},,2026-01-01,viewed," for n in range(10)]
    lines = [
        "# mine",
        "user,item_id,timestamp,event,note",
        *seen,
        *viewed,
        'u1,1,2026-01-01,seen,"x',
        "u 1,1,2026-01-01,,",
    ]
    path = folder / "mixed.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_log_arrives_whole_and_a_second_run_is_an_exact_retry(broker: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no topic impressions.v1: `impressions provision`"):
        produce(broker)
    create_topic(broker, "impressions.v1")
    code, said = produce(broker)
    assert (code, said.splitlines()[-1].split(", ")[:4]) == (
        0,
        ["10,000 rows read", "10,000 impressions sent", "10,000 acknowledged", "0 bad"],
    )
    once = read_all(broker, "impressions.v1")
    ids = impression_ids(once)
    assert len(ids) == ids.total() == 10_000

    produce(broker)
    twice = read_all(broker, "impressions.v1")
    assert impression_ids(twice) == ids + ids
    flushes = [decode(record.value() or b"") for record in twice]
    assert all(isinstance(f, DecodedFlush) and f.flush.transport == "replay" for f in flushes)
    flush_ids = Counter(f.flush.flush_id for f in flushes if isinstance(f, DecodedFlush))
    assert set(flush_ids.values()) == {2}

    code, said = produce(broker, mixed_log(tmp_path))
    assert code == 1
    assert said.splitlines()[-1].startswith(
        "52 rows read, 40 impressions sent, 40 acknowledged, 2 bad, 10 other events (viewed 10), 7 bytes skipped, "
    )
    assert impression_ids(read_all(broker, "impressions.v1")).total() == 20_040


def test_an_interrupt_delivers_what_was_sent_and_says_how_far_it_got(broker: Settings) -> None:
    create_topic(broker, "impressions.v1")
    script = (
        "import sys\n"
        "from rich.console import Console\n"
        "from streams.produce.run import run\n"
        "from streams.produce.options import ProduceOptions\n"
        "from streams.settings import Settings\n"
        f"options = ProduceOptions.parse(speed='600', **{PLAY!r})\n"
        f"sys.exit(run([{str(LOG)!r}], options, Settings.load(), Console(width=200)).exit_code)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "IMPRESSIONS_KAFKA_BOOTSTRAP": broker.kafka_bootstrap},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:  # at this speed the twelve hours of the log take 72 s
        until(lambda: sum(end_offsets(broker, "impressions.v1").values()) > 100, 60, "the first flushes")
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130
    lines = said.splitlines()
    assert lines[-2].startswith("Interrupted. Run the same command again with --rebase-to 2026-01-02T00:00:00.000Z ")
    acknowledged = impression_ids(read_all(broker, "impressions.v1")).total()
    assert 100 < acknowledged < 10_000
    assert f"{acknowledged:,} acknowledged" in lines[-1]


def test_a_broker_that_hangs_is_reported_and_fails_the_command(
    broker: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topic(broker, "impressions.v1")
    monkeypatch.setattr(playback, "SILENCE_SECONDS", 1.0)
    send = playback._send

    def send_then_kill(*arguments: object) -> None:
        component("kafka", broker).program.send(signal.SIGSTOP)
        send(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(playback, "_send", send_then_kill)
    try:
        code, said = produce(broker)
    finally:
        component("kafka", broker).program.send(signal.SIGCONT)
    assert code == 1
    assert "10,000 impressions were not acknowledged (not acknowledged in time). Run the same command again" in said
    assert "0 acknowledged" in said
