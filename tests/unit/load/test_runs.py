"""What stands around the users: limits, disturbances, the machine's figures, the command line, the tables."""

import resource
import threading
from pathlib import Path

import pytest

from bench.lib.figures import RESULTS
from bench.lib.tree import Usage
from load import limits, report
from load.check import Verdict
from load.command import parse, results
from load.disturb import Disturber
from load.generator import Generator
from load.machine import Total, Used
from load.outcome import Outcome, outcome
from load.proxy import caddy
from load.received import Packing
from load.scenarios import SCENARIOS, catalogue_size
from load.users.ledger import Ledger
from load.users.plan import Plan
from streams.errors import UserError
from streams.settings import Settings
from tests.support.crowds import plan


def test_too_few_files_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1_024, 4_096))
    with pytest.raises(UserError, match=r"10,000 users need 10,500 open files .* may have 4,096: .*ulimit -n 10500"):
        limits.require_files(10_000)


@pytest.mark.parametrize(("hard", "users"), [(20_000, 10_000), (resource.RLIM_INFINITY, 10_000)])
def test_the_limit_is_raised_if_it_may_be(monkeypatch: pytest.MonkeyPatch, hard: int, users: int) -> None:
    wanted: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1_024, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda which, limit: wanted.append(limit))
    limits.require_files(users)
    limits.require_files(100)
    assert wanted == [(10_500, hard)]


def test_too_few_ports_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "range").write_text("32768\t60999\n")
    limits.require_ports(28_232, tmp_path / "range")
    limits.require_ports(10**6, tmp_path / "nothing")
    with pytest.raises(UserError, match="28,233 users need a port each, and this machine's address has 28,232"):
        limits.require_ports(28_233, tmp_path / "range")


def test_a_disturber_takes_turns_and_ends_between_two_steps() -> None:
    went, gate = list[str](), threading.Event()

    def step(_: Settings, name: str) -> str:
        went.append(name)
        if len(went) == 3:
            gate.set()
        return f"{name} went"

    settings = Settings.model_construct()
    with Disturber(settings, step, ["one", "other"], every=0.01, seconds=60.0) as disturber:
        assert gate.wait(30)
    disturber.finish()
    assert went[:3] == ["one", "other", "one"]
    assert disturber.events == [f"{name} went" for name in went]


def test_a_disturber_stops_in_time_and_its_error_is_raised() -> None:
    def step(_: Settings, name: str) -> str:
        raise UserError(f"{name} does not come back")

    for every, seconds in ((0.01, 0.01), (60.0, 3_600.0)):
        with Disturber(Settings.model_construct(), step, ["one"], every, seconds) as disturber:
            pass
        disturber.finish()
    again = Disturber(Settings.model_construct(), step, ["one"], every=0.001, seconds=60.0)
    with again, pytest.raises(UserError, match="one does not come back"):
        again.finish()


def test_what_a_restarted_program_used_is_added_up() -> None:
    total = Total()
    for pid, seconds, size in ((7, 5.0, 100), (7, 6.0, 300), (None, 0.0, 0), (8, 0.5, 200), (8, 2.0, 100)):
        total.add(pid, Usage(seconds, size))
    assert total.seconds == 1.0 + 2.0
    assert total.peak_bytes == 300


def test_the_command_line_has_a_sentence_for_what_can_not_be(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--users", "0"])
    assert "--users must be more than 0" in capsys.readouterr().err
    options = parse(["--only", "rate", "--only", "kills"])
    assert (options.users, options.rate, options.duration, options.only) == (10_000, 100_000, 300, ["rate", "kills"])


def test_figures_of_a_smaller_run_are_no_evidence(tmp_path: Path) -> None:
    settings = Settings.model_construct(data_dir=tmp_path)
    assert results(parse([]), settings) == results(parse(["--rate", "200000"]), settings) == RESULTS
    assert results(parse(["--users", "50"]), settings) == tmp_path.resolve() / "load-results"
    assert results(parse(["--users", "50", "--results", "/r"]), settings) == Path("/r")


def test_the_catalogue_is_large_enough_for_the_options() -> None:
    assert catalogue_size(parse([])) == 2_000
    assert catalogue_size(parse(["--users", "10"])) > 50_000


def test_a_missing_go_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"^Go is missing, .*: install Debian's golang-go\.$"):
        caddy(tmp_path, lambda line: None)


def test_the_users_process_says_what_is_the_matter(tmp_path: Path) -> None:
    of = plan(tmp_path / "nobody")
    with Generator(of, tmp_path / "log") as generator, pytest.raises(UserError, match="Nothing answers at unix:"):
        generator.follow(lambda done, total: None)


def made(of: Plan) -> Outcome:
    ledger = Ledger()
    for user in range(2):
        row = ledger.cut(user, 0, 5_000, 5.0, [ledger.see(user, 0, 3, 4_000, True)])
        ledger.attempt(row, 5.001)
        ledger.acknowledge(row, 5.002)
    ledger.statuses.update({"202": 2, "503": 1})
    ledger.watched = {"seen to coverage": [1.5], "read of coverage": [0.01]}
    sums = {"received": 2, "accepted": 2, "duplicates": 0, "rejected": 0, "forwarded": 0}
    right = Verdict(2, 2, expected=2, found=2, ledger=sums)
    return outcome(of, ledger, right, Packing(2, 1), {"collector-0": Used(0.25, 80.0)})


def test_times_are_in_ms_from_when_something_was_due() -> None:
    found = made(plan(Path("/s")))
    assert (found.recording.count, round(found.recording.p95, 3)) == (2, 2.0)
    assert round(found.seen.p95, 3) == 1002.0
    assert found.shown["seen to coverage"].p50 == 1500.0
    assert found.per_minute == pytest.approx(2 / 0.3 * 60)
    assert found.held
    assert found.verdict.right


def test_the_tables_show_every_run() -> None:
    run = made(plan(Path("/s"))).as_json()
    runs = {
        **{name: {"outcome": run} for name in SCENARIOS if name != "highest"},
        "highest": {"steps": [{"rate": 200_000.0, "held": True, "outcome": run}]},
    }
    for make in report.TABLES:
        columns, rows = make(runs)
        assert rows
        assert {len(row) for row in rows} == {len(columns)}
    assert ("503", "1", "1", "1", "1") in report.happened(runs)[1]
    assert [row[0] for row in report.recording({"kills": {"outcome": run}, "rolling": {"missing": "Go"}})[1]] == [
        "collector killed"
    ]
