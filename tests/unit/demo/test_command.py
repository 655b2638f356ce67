"""Options, folders and ports of the demo: what can't work is said in one sentence, and nothing is started."""

import io
import shlex
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from demo import stack
from demo.__main__ import main
from demo.command import command, parse
from demo.run import STARTS, Options, starting
from demo.stack import demo_settings, how_to_stop, only_demo
from streams.embedded.run_folder import RunFolder, Started
from streams.errors import UserError
from streams.runtime.interrupts import Interrupts
from streams.settings import Settings


def said_by(folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run the demo with a data folder that it can't use; return what it says."""
    monkeypatch.setenv("IMPRESSIONS_DATA_DIR", folder)
    assert command([], Interrupts()) == 2
    return capsys.readouterr().out.splitlines()


def test_options_are_parsed_and_unknown_ones_refused() -> None:
    assert parse([]) == Options()
    given = parse(["--seed", "7", "--kill-worker", "5", "--keep", "--json", "a", "--svg", "b"])
    assert given == Options(7, 5, True, Path("a"), Path("b"))
    for wrong in (["--nonsense"], ["--svg", "absent/picture.svg"]):
        with pytest.raises(SystemExit):
            parse(wrong)


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
    assert stack.introduction(settings, demo)[-1] == "These are free ones: the usual addresses are in use."


def test_the_demo_never_plays_into_brokers_elsewhere(tmp_path: Path) -> None:
    demo = demo_settings(Settings(data_dir=tmp_path, kafka_bootstrap="kafka.example:9092"), print)
    assert demo.kafka_bootstrap.startswith("127.0.0.1:")


def test_two_demos_of_one_data_folder_do_not_play_at_the_same_time(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with only_demo(settings), pytest.raises(UserError, match="Another demo"), only_demo(settings):
        pass
    with only_demo(settings):
        pass


# Nobody may make folders there, not even root.
@pytest.mark.parametrize("folder", ["/sys/impressions", "/proc/self/impressions"])
def test_a_folder_that_cant_be_written_is_one_sentence(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = said_by(folder, monkeypatch, capsys)
    assert line.startswith(f"{folder} can't be used: ")
    assert line.endswith(". Set IMPRESSIONS_DATA_DIR to a folder that you can write to.")


def test_a_file_in_the_place_of_the_folder_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f\u00efle").touch()
    (line,) = said_by(str(tmp_path / "f\u00efle"), monkeypatch, capsys)
    assert "f\u00efle can't be used: " in line


def test_a_missing_java_is_one_sentence_and_keeps_the_earlier_demos_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "demo" / "kept"
    kept.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "needs Java 17 or newer" in said_by(str(tmp_path), monkeypatch, capsys)[-1]
    assert kept.is_dir()


def test_what_was_left_running_can_be_stopped_by_pasting_the_command(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "a caf\u00e9's")
    assert how_to_stop(settings) == "Nothing was left running."
    RunFolder(settings.data_dir).write(Started(name="kafka", pid=1, identity="x", argv=[], since=0.0))
    _, command_line = how_to_stop(settings).split("does: ")
    setting, program, argument = shlex.split(command_line)
    assert setting == f"IMPRESSIONS_DATA_DIR={settings.data_dir}"
    assert (Path(program).name, argument) == ("impressions", "down")


@pytest.mark.parametrize("lively", [True, False])
def test_the_stacks_start_moves_the_bar_or_says_what_is_ready(lively: bool) -> None:
    out, calls = io.StringIO(), list[tuple[int, int]]()
    say = starting(Console(file=out, force_terminal=lively), lambda done, total: calls.append((done, total)))
    say("kafka: fetching 4.1.0 from Maven Central, once")
    for name in ("kafka", "clickhouse"):
        say(f"{name}: ready at 127.0.0.1:1 after 1.0 s")
    say("  + topic impressions.v1")
    say("provision: done in 1.0 s")
    assert "fetching" in out.getvalue()
    assert "topic" not in out.getvalue()
    assert ("ready" in out.getvalue()) is not lively
    assert calls == ([(0, STARTS), (1, STARTS), (2, STARTS), (3, STARTS)] if lively else [])


@pytest.mark.parametrize("error", [SystemError("returned a result with an exception set"), OSError(5, "no terminal")])
def test_a_signal_that_a_library_made_another_exception_of_is_still_a_signal(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupted(_arguments: Sequence[str], interrupts: Interrupts) -> int:
        interrupts.received = signal.SIGTERM
        raise error

    monkeypatch.setenv("IMPRESSIONS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("demo.command.command", interrupted)
    monkeypatch.setattr(Interrupts, "install", lambda _: None)
    assert main() == 143
    assert capsys.readouterr().out == "Interrupted by SIGTERM; nothing was left running.\n"


def test_what_could_not_be_stopped_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupted(_arguments: Sequence[str], interrupts: Interrupts) -> int:
        interrupts.received = signal.SIGINT
        return 2

    folder = RunFolder(tmp_path / "demo")
    folder.write(Started(name="kafka", pid=1, identity="x", argv=[], since=0.0))
    monkeypatch.setenv("IMPRESSIONS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("demo.command.command", interrupted)
    monkeypatch.setattr(Interrupts, "install", lambda _: None)
    assert main() == 130
    assert capsys.readouterr().out == "Interrupted by SIGINT; kafka was left running.\n"


def test_an_error_without_a_signal_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_arguments: Sequence[str], _interrupts: Interrupts) -> int:
        raise SystemError("a defect")

    monkeypatch.setattr("demo.command.command", broken)
    monkeypatch.setattr(Interrupts, "install", lambda _: None)
    with pytest.raises(SystemError, match="a defect"):
        main()
