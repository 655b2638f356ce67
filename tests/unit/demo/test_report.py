"""The summary is readable when piped and as a picture, and its verdict decides the exit code."""

import io
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from demo.__main__ import parse
from demo.kpis import Kpis
from demo.progress import progress
from demo.report import WIDTH, Summary, group_kinds, render, write_svg
from demo.run import Options
from demo.stack import demo_settings, only_demo
from oracle import Difference
from streams.errors import UserError
from streams.settings import Settings

KPIS = Kpis(
    lines=2374,
    received=12_345,
    accepted=9508,
    fresh=6000,
    duplicates=2500,
    rejected=299,
    rejected_by_reason={"late": 200, "malformed": 99},
    forwarded=150,
    duplicate_rate=0.0,
    users=240,
    mean_coverage=0.25,
    mean_freshness=0.75,
    users_exhausted=0.05,
    batch_success=1.0,
    records=1900,
    p95_acknowledged_ms=12.3,
    p95_decided_ms=45.6,
)
SUMMARY = Summary(
    seed=1,
    impressions=10_000,
    injected=Counter({"malformed: a": 1, "malformed: b": 2, "retry": 5}),
    worker_kills=2,
    kpis=KPIS,
    comparisons=[Difference("I1", "impressions", expected=9508, actual=9508)],
    invariants={"event_id not unique": 0},
    seconds={"stack": 8.0, "play": 15.5},
)
LEDGER = Difference("I1", "ledger", missing=1, extra=3, examples=["missing line=0"], expected=3, actual=5, repeated=2)
WRONG = replace(SUMMARY, comparisons=[LEDGER])


def text_of(summary: Summary) -> str:
    out = io.StringIO()
    Console(file=out, width=WIDTH).print(render(summary))
    return out.getvalue()


def test_a_piped_summary_is_plain_text_with_every_number() -> None:
    text = text_of(SUMMARY)
    assert "\x1b" not in text
    for part in ("12,345", "9,508", "0.00%", "25.0% / 75.0%", "100.00%", "12 ms", "46 ms", "malformed, 2 kinds"):
        assert part in text
    assert "worker killed (SIGKILL)" in text
    assert text.rstrip().endswith("No duplicate, no loss: every row is as the recount says.")


def test_a_wrong_result_names_the_table_the_number_and_examples() -> None:
    assert WRONG.problems == ["ledger: 4 rows differ from the recount.", "  missing line=0"]
    assert "missing line=0" in text_of(WRONG)
    assert WRONG.as_json()["ok"] is False
    assert WRONG.as_json()["comparisons"] == [
        {
            "table": "ledger",
            "expected": 3,
            "found": 5,
            "missing": 1,
            "unexpected": 1,
            "repeated": 2,
            "different": 0,
            "examples": ["missing line=0"],
            "differences": 4,
        }
    ]
    assert SUMMARY.as_json()["ok"] is True


def test_broken_invariants_and_lost_batches_are_problems() -> None:
    assert replace(SUMMARY, invariants={"event_id not unique": 2}).problems
    assert replace(SUMMARY, kpis=replace(KPIS, batch_success=0.999)).problems


def test_the_picture_is_an_svg_of_the_summary(tmp_path: Path) -> None:
    path = tmp_path / "demo.svg"
    write_svg(SUMMARY, path)
    assert path.read_text().startswith("<svg")
    assert "make&#160;demo" in path.read_text()
    assert "url(http" not in path.read_text().replace('"', "")


def test_kinds_are_summed_by_the_text_before_the_colon() -> None:
    assert group_kinds(SUMMARY.injected) == {"malformed, 2 kinds": 3, "retry": 5}


def test_progress_without_a_terminal_is_a_few_lines() -> None:
    out = io.StringIO()
    with progress(Console(file=out), "playing") as update:
        for done in range(1001):
            update(done, 1000)
    assert out.getvalue().splitlines()[0] == "playing: 0 of 1,000"
    assert out.getvalue().splitlines()[-1] == "playing: 1,000 of 1,000"
    assert len(out.getvalue().splitlines()) == 5


def test_options_are_parsed_and_unknown_ones_refused() -> None:
    assert parse([]) == Options()
    given = parse(["--seed", "7", "--kill-worker", "5", "--keep", "--json", "a", "--svg", "b"])
    assert given == Options(7, 5, True, Path("a"), Path("b"))
    with pytest.raises(SystemExit):
        parse(["--nonsense"])


def test_a_port_in_use_moves_the_whole_demo_to_free_ones(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings(data_dir=tmp_path, clickhouse_url=f"http://127.0.0.1:{port}")
        demo = demo_settings(settings, print)
    assert demo.data_dir == tmp_path.resolve() / "demo"
    assert demo.clickhouse_url != settings.clickhouse_url
    assert demo.kafka_bootstrap != settings.kafka_bootstrap
    assert demo.metrics_port != settings.metrics_port
    assert demo.window_ms == settings.window_ms


def test_the_demo_never_plays_into_brokers_elsewhere(tmp_path: Path) -> None:
    demo = demo_settings(Settings(data_dir=tmp_path, kafka_bootstrap="kafka.example:9092"), print)
    assert demo.kafka_bootstrap.startswith("127.0.0.1:")


def test_two_demos_of_one_data_folder_do_not_play_at_the_same_time(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with only_demo(settings), pytest.raises(UserError, match="Another demo"), only_demo(settings):
        pass
    with only_demo(settings):
        pass
