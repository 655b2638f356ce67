"""What was read and what became of it are counted apart; if they differ, the command fails."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from impression_streams.delivery import Stats
from streams.produce import run as player
from streams.produce.binding import Binding
from streams.produce.options import ProduceOptions
from streams.produce.report import Report, say_end
from streams.produce.rows import Item, OtherEvent
from streams.produce.source import Lines
from streams.produce.tally import MOST_KINDS, Tally
from tests.unit.produce.play import NOWHERE, dry_run, write

AT = 1_700_000_000_000
TEXT = f"user_id,artwork_id,seen_at\nu1,a1,{AT}\nu2,a2,{AT}\n\nu3,a 3,{AT}\n"


def play(path: Path, dry_run: bool = False) -> tuple[str, int]:
    out = io.StringIO()
    report = player.run([path], ProduceOptions.parse(dry_run=dry_run), NOWHERE, Console(file=out))
    return out.getvalue(), report.exit_code


def test_a_row_that_is_lost_between_reading_and_sending_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Binding.items

    def lossy(self: Binding, number: int, record: dict[str, object]) -> Iterator[Item]:
        yield from list(whole(self, number, record))[: number - 2]

    monkeypatch.setattr(Binding, "items", lossy)
    said, code = play(write(tmp_path / "f.csv", TEXT.replace("a 3", "a3")), dry_run=True)
    assert code == 1
    assert "The counts don't add up, which is a defect: f.csv has 3 rows, and 2 were accounted for." in said


def test_a_line_that_is_lost_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lines, "_size", lambda _, text: 0 if "u2" in text else len(text))
    said, code = play(write(tmp_path / "f.csv", TEXT.replace("a 3", "a3")), dry_run=True)
    assert code == 1
    assert f"f.csv has {len(TEXT) - 1} bytes, and {len(TEXT) - 1 - len(f'u2,a2,{AT}') - 1} were accounted for." in said


@pytest.mark.parametrize(("acknowledged", "code"), [(2, 0), (1, 1), (3, 1)])
def test_impressions_that_were_not_all_acknowledged_fail_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acknowledged: int, code: int
) -> None:
    monkeypatch.setattr(player, "require_topic", lambda _: None)
    monkeypatch.setattr(player, "play", lambda *_: (Stats(*[acknowledged] * 8), ""))
    said, found = play(write(tmp_path / "f.csv", TEXT.replace("a 3", "")[: -len(f"u3,,{AT}\n")]))
    assert found == code
    assert (f"2 impressions were read, and {acknowledged} acknowledged." in said) == bool(code)


def test_the_end_says_rows_read_sent_bad_others_and_bytes_skipped() -> None:
    tally = Tally(rows=8, impressions=5, bad=1, skipped_bytes=12)
    for kind in ("a", "a", "b", "c", "d"):
        tally.add(OtherEvent("f", 1, kind))
    out = io.StringIO()
    say_end(Report(tally, sent=5, acknowledged=5), ProduceOptions(), Console(file=out))
    assert out.getvalue().startswith(
        "8 rows read, 5 impressions sent, 5 acknowledged, 1 bad, 5 other events (a 2, b 1, c 1, ...), 12 bytes skipped,"
    )


def test_kinds_of_events_are_counted_in_bounded_memory() -> None:
    tally = Tally()
    for n in range(10_000):
        tally.add(OtherEvent("f", n, f"kind {n}"))
    assert tally.others.total() == 10_000
    assert len(tally.others) <= MOST_KINDS + 1


def test_each_byte_of_a_file_is_a_rows_or_skipped(tmp_path: Path) -> None:
    played = dry_run(write(tmp_path / "f.csv", "\ufeffmade by hand\n\n" + TEXT))
    assert played.tally.skipped_bytes == len("\ufeff".encode()) + len("made by hand\n\n") + 1
    assert (played.tally.rows, played.tally.impressions, played.tally.bad, played.code) == (3, 2, 1, 1)
