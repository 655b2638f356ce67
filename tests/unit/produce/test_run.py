"""`impressions produce` up to the broker: its options, its dry run, and what it says about bad rows."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from impression_streams.ids import now_ms
from streams.core.decode import DecodedFlush, decode
from streams.errors import UserError
from streams.produce.options import ProduceOptions
from streams.produce.run import run
from streams.runtime.progress import Progress
from streams.settings import Settings

LOG = Path(__file__).parents[3] / "examples" / "open-bandit-random-all.csv.gz"
MAPS = ("user_id=user", "artwork_id=item_id", "seen_at=timestamp")
NOWHERE = Settings(kafka_bootstrap="127.0.0.1:1")


def dry_run(path: Path, **options: Any) -> tuple[list[str], int]:
    out = io.StringIO()
    report = run([path], ProduceOptions.parse(dry_run=True, **options), NOWHERE, Console(file=out, width=40))
    return out.getvalue().splitlines(), report.exit_code


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"maps": ["user_id"]}, "--map takes FIELD=COLUMN"),
        ({"maps": ["user_id=a", "user_id=b"]}, "--map names user_id twice"),
        ({"maps": ["user=a"]}, "user is not a field"),
        ({"artwork_format": "x"}, "not a format for an id"),
        ({"time_unit": "h"}, "--time-unit takes auto, s, ms, us, ns"),
        ({"file_format": "xml"}, "--format takes csv"),
        ({"rebase_to": "soon"}, "--rebase-to takes now"),
        ({"compress_to": "12"}, "--compress-to takes"),
        ({"compress_to": "0h"}, "--compress-to takes"),
        ({"speed": "fast"}, "--speed takes max"),
        ({"speed": "0"}, "--speed takes max"),
        ({"speed": "nan"}, "--speed takes max"),
        ({"batch": 501}, "--batch takes 1 to 500"),
        ({"pool": "a b"}, "--pool: "),
        ({"tier": "gold"}, "--tier takes free or pro"),
        ({"limit": 0}, "--limit takes 1"),
    ],
)
def test_a_wrong_option_is_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        ProduceOptions.parse(**options)


def test_options_are_read() -> None:
    before = now_ms()
    options = ProduceOptions.parse(rebase_to="now", compress_to="1.5h", speed="60", tier="pro")
    assert before <= (options.rebase_to or 0) <= now_ms()
    assert (options.compress_to, options.speed, options.interval_ms) == (5_400_000, 60.0, 1000)
    options = ProduceOptions.parse(rebase_to="2026-01-31T12:00:00+02:00", speed="max")
    assert (options.rebase_to, options.compress_to, options.speed) == (1_769_853_600_000, None, None)


def test_a_dry_run_shows_the_first_flushes_and_the_totals() -> None:
    lines, code = dry_run(
        LOG, maps=MAPS, artwork_format="a{:04d}", rebase_to="2026-01-02", compress_to="12h", pool="main"
    )
    assert code == 0
    assert lines[0] == (
        "10,000 impressions from 2019-11-24T00:00:34.762Z to 2019-11-30T23:59:47.022Z (times without a zone are UTC),"
        " played as 2026-01-01T12:00:00.000Z to 2026-01-02T00:00:00.000Z"
    )
    assert lines[-1].startswith("Dry run, nothing sent: 10,000 impressions of 240 users and 80 artworks in ")
    first = decode(lines[1].encode())
    assert isinstance(first, DecodedFlush)
    assert first.flush.user_id == "721d5810901c"
    assert first.flush.impressions[0].model_dump(exclude={"impression_id"}, exclude_unset=True) == {
        "artwork_id": "a0014",
        "seen_at": 1_767_268_800_000,
        "pool_id": "main",
        "position": 3,
    }


def test_bad_rows_are_shown_and_counted_and_set_the_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    good = {"user_id": "u", "artwork_id": "a", "seen_at": 1_574_553_634_762}
    path.write_text("".join(json.dumps(row) + "\n" for row in [good] * 3 + [{**good, "artwork_id": "[red]"}] * 7))
    lines, code = dry_run(path)
    assert code == 1
    assert lines[0].startswith("bad row log.ndjson:4: artwork_id: ")
    assert lines[5] == "and 2 more bad rows"
    with pytest.raises(UserError, match=r"log.ndjson:4: artwork_id: .* Nothing was sent"):
        dry_run(path, strict=True)
    assert dry_run(path, strict=True, limit=3)[1] == 0


def test_a_file_without_rows_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user_id,artwork_id,seen_at\n")
    lines, code = dry_run(tmp_path / "log.csv")
    assert (len(lines), code) == (1, 0)


def test_an_unreachable_broker_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.produce.run.BROKER_SECONDS", 0.2)
    with pytest.raises(UserError, match=r"No Kafka broker answers at 127.0.0.1:1: `impressions up`"):
        run([LOG], ProduceOptions.parse(maps=MAPS), NOWHERE, Console(file=io.StringIO()))


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_how_much_is_done(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.runtime.progress.LINE_SECONDS", 0)
    out = io.StringIO()
    with Progress(Console(file=out, force_terminal=terminal, width=100), "Sent", 2000) as progress:
        progress.update(0)
        progress.update(1000)
    text = out.getvalue()
    assert ("1000/2000" if terminal else "Sent: 1,000 of 2,000, ") in text
    assert terminal or " s left" in text
