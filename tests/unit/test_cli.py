"""The command line: which commands exist, how they are explained, and how mistakes end."""

import errno
import importlib.util
import os
import re
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from streams import __version__, cli
from streams.errors import BrokerAwayError, FencedError, KnownError, UserError
from streams.runtime import log

# Every command that exists.
COMMANDS = ["up", "down", "status", "top", "provision", "worker", "sink", "collector", "clickhouse", "rebuild"]
COMMANDS += ["produce", "settings", "doctor", "catalogue"]


@pytest.fixture(autouse=True)
def _logs_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logging is set up once per process, and would keep writing to a stream that a test captured and closed."""
    monkeypatch.setattr(log, "configure", lambda _: None)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"}, terminal_width=200)
    assert result.exit_code == 0, result.output
    return result.output


def test_help_lists_exactly_the_commands_that_exist() -> None:
    listed = run("--help").split("Commands:")[1]
    assert re.findall(r"^  ([a-z]+)  ", listed, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_explained_with_an_example(command: str) -> None:
    text = run(command, "--help")
    assert "Example:" in text
    assert f"impressions {command}" in text.split("Example:")[1]


def test_the_modules_that_commands_import_exist() -> None:
    source = Path(cli.__file__).read_text()
    modules = re.findall(r"^    from (streams[\w.]*) import", source, re.MULTILINE)
    assert len(modules) >= len(COMMANDS) - 3  # of which three are in modules of their own
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_settings_are_listed() -> None:
    assert "IMPRESSIONS_DEDUPE_WINDOW_SECONDS=600" in run("settings")


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        pytest.param(
            ["settings"], {"IMPRESSIONS_METRICS_PORT": "x"}, "IMPRESSIONS_METRICS_PORT is wrong", id="setting"
        ),
        pytest.param(["produce", "nothing.csv", "--dry-run"], {}, "nothing.csv", id="no such file"),
        pytest.param(["up", "zookeeper"], {}, "zookeeper", id="no such component"),
    ],
)
def test_a_mistake_prints_one_sentence_and_exits_with_2(
    arguments: list[str],
    environment: dict[str, str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["impressions", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert sentence in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert "Traceback" not in printed.err + printed.out


def test_a_defect_keeps_its_stack_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("defect")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(RuntimeError, match="defect"):
        cli.main()


@pytest.mark.parametrize("error", [UserError("Do this."), FencedError("Do this.")])
def test_an_error_with_a_kind_is_one_sentence(
    error: KnownError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> NoReturn:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 2
    assert capsys.readouterr().err == "Do this.\n"


@pytest.mark.parametrize("command", ["worker", "sink"])
@pytest.mark.parametrize(
    ("error", "code"), [(UserError("Do this."), 78), (BrokerAwayError("Wait."), 75), (FencedError("Gone."), 75)]
)
def test_a_worker_or_sink_refused_while_it_starts_exits_with_78_as_when_refused_later(
    command: str,
    error: KnownError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> NoReturn:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr("sys.argv", ["impressions", command, "--index", "0"])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == code
    assert capsys.readouterr().err == f"{error}\n"


def test_a_worker_with_a_wrong_setting_is_refused_with_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPRESSIONS_METRICS_PORT", "x")
    monkeypatch.setattr("sys.argv", ["impressions", "worker"])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 78
    assert "IMPRESSIONS_METRICS_PORT is wrong" in capsys.readouterr().err


def test_version_names_package_librdkafka_and_python() -> None:
    number = r"\d+\.\d+\.\d+"
    ours = rf"impressions {re.escape(__version__)}( \(commit [0-9a-f]+\+?\))?"
    assert re.fullmatch(rf"{ours}, librdkafka {number}, Python {number}\n", run("--version"))


def test_a_misspelt_variable_is_one_sentence_and_not_fatal() -> None:
    done = CliRunner().invoke(cli.app, ["settings"], env={"IMPRESSIONS_DATADIR": "secret"})
    assert done.exit_code == 0
    assert done.stderr == "IMPRESSIONS_DATADIR is no setting and has no effect: is IMPRESSIONS_DATA_DIR meant?\n"
    assert "IMPRESSIONS_DATA_DIR=" in done.stdout


def test_what_runs_in_the_background_logs_a_misspelt_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPRESSIONS_DATADIR", "secret")
    monkeypatch.setenv("IMPRESSIONS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["impressions", "worker", "--index", "x"])
    monkeypatch.setattr("streams.runtime.log.configure", lambda _: None)
    logged: list[dict[str, str]] = []
    monkeypatch.setattr(cli, "logger", _Logger(logged))
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 78
    assert logged == [
        {"event": "setting_unknown", "variable": "IMPRESSIONS_DATADIR", "nearest": "IMPRESSIONS_DATA_DIR"}
    ]
    assert "secret" not in capsys.readouterr().err


class _Logger:
    """Keeps what is logged."""

    def __init__(self, logged: list[dict[str, str]]) -> None:
        self._logged = logged

    def warning(self, event: str, **fields: str) -> None:
        self._logged.append({"event": event, **fields})


@pytest.mark.parametrize("command", ["up", "down", "worker", "clickhouse"])
def test_a_data_folder_that_can_not_be_written_is_one_sentence(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a file is in its place not even root can: this holds for a read-only file system, too."""
    taken = tmp_path / "taken"
    taken.write_text("")
    monkeypatch.setenv("IMPRESSIONS_DATA_DIR", str(taken / "data"))
    monkeypatch.setattr("sys.argv", ["impressions", command])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == (78 if command == "worker" else 2)
    said = capsys.readouterr().err
    assert said.startswith(f"IMPRESSIONS_DATA_DIR is wrong: {taken / 'data'} can't be written (")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize(("command", "code"), [("up", 2), ("worker", 78)])
def test_a_file_that_can_not_be_used_is_one_sentence(
    number: int, command: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> NoReturn:
        raise OSError(number, os.strerror(number), "/data/run/lock")

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr("sys.argv", ["impressions", command])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == (75 if command == "worker" and number == errno.ENOSPC else code)
    assert capsys.readouterr().err == f"/data/run/lock can't be written ({os.strerror(number)}).\n"


def test_any_other_error_of_the_system_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> NoReturn:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(OSError, match="Bad file"):
        cli.main()
