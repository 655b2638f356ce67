"""The command line: which commands exist, how they are explained, and how mistakes end."""

import importlib.util
import re
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from streams import cli
from streams.errors import FencedError, KnownError, UserError
from streams.runtime import log

# Every command that exists. The collector has no command; its name stays reserved.
COMMANDS = ["up", "down", "status", "top", "provision", "worker", "sink", "clickhouse", "rebuild", "produce"]
COMMANDS += ["settings", "doctor", "catalogue"]


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
    assert len(modules) >= len(COMMANDS) - 1
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
