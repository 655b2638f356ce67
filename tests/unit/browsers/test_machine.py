"""A browser or a tool that isn't here: one sentence that says how to get it, and the others go on."""

from pathlib import Path

import pytest

from tests.browsers import machine, matrix
from tests.browsers.machine import MissingError
from tests.browsers.scenario import ALL


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with no program at all."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(machine, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(machine, "MINI_BROWSERS", tmp_path)


@pytest.mark.usefixtures("empty")
def test_each_engine_that_is_missing_names_debians_package() -> None:
    here, missing = matrix.present(ALL)
    assert here == {}
    assert missing == {
        "chromium": "chromedriver is missing: apt-get install chromium-driver",
        "firefox": "firefox-esr is missing: apt-get install firefox-esr",
        "webkit": "Xvfb is missing: apt-get install xvfb",
    }


@pytest.mark.usefixtures("empty")
def test_a_tool_that_can_not_be_built_names_its_builder() -> None:
    with pytest.raises(MissingError, match=r"^cargo is missing: apt-get install cargo$"):
        machine.geckodriver()
    with pytest.raises(MissingError, match=r"^go is missing: apt-get install golang-go$"):
        machine.toxiproxy()
    with pytest.raises(MissingError, match=r"MiniBrowser is missing: apt-get install webkit2gtk-driver"):
        machine.mini_browser()


@pytest.mark.usefixtures("empty")
def test_a_build_that_fails_is_a_sentence_with_its_last_line(tmp_path: Path) -> None:
    cargo = tmp_path / "cargo"
    cargo.write_text("#!/bin/sh\necho downloading >&2\necho 'no network' >&2\nexit 101\n")
    cargo.chmod(0o755)
    with pytest.raises(MissingError, match=r"^geckodriver could not be built by `.*cargo install .*`: no network$"):
        machine.geckodriver()


@pytest.mark.usefixtures("empty")
def test_a_tool_is_built_once_and_then_taken(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\n: > "$GOBIN/server"\n')
    go.chmod(0o755)
    built = machine.toxiproxy()
    assert built == tmp_path / "tools" / "bin" / "toxiproxy-server"
    go.unlink()
    assert machine.toxiproxy() == built
