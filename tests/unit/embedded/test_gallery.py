"""The stack on one's own machine shows the checkout's gallery, and says where; nobody else's does."""

from pathlib import Path

import pytest

from streams.embedded import components, stack
from streams.embedded.components import component, gallery
from streams.settings import Settings

GIVEN = Path("given")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout's gallery."""
    folder = tmp_path / "gallery"
    folder.mkdir()
    (folder / "index.html").touch()
    monkeypatch.setattr(components, "GALLERY", folder)
    return folder


def test_a_checkout_shows_its_own(own: Path) -> None:
    assert gallery(Settings()) == own
    variables = component("collector-0", Settings()).program.environment
    assert variables["IMPRESSIONS_COLLECTOR_GALLERY"] == str(own)


def test_an_installed_package_has_none(own: Path) -> None:
    (own / "index.html").unlink()
    assert gallery(Settings()) is None
    assert "IMPRESSIONS_COLLECTOR_GALLERY" not in component("collector-0", Settings()).program.environment


@pytest.mark.parametrize(
    "more",
    [{"collector_host": "0.0.0.0", "collector_without_tokens": True}, {"token_key_file": "keys.json"}],
    ids=["for others", "with tokens"],
)
def test_where_others_come_or_tokens_are_needed_only_one_that_is_set_is_shown(own: Path, more: dict[str, str]) -> None:
    assert gallery(Settings.model_validate(more)) is None
    assert gallery(Settings.model_validate({**more, "collector_gallery": GIVEN})) == GIVEN


def test_one_that_is_set_is_shown_instead(own: Path) -> None:
    assert gallery(Settings(collector_gallery=GIVEN)) == GIVEN


def test_up_says_where_it_is(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_ours", lambda *_: [])  # all runs already
    settings = Settings(data_dir=tmp_path, collector_port=8181)
    lines: list[str] = []
    stack.up(settings, ["collector-0"], out=lines.append)
    assert lines == ["gallery: http://127.0.0.1:8181/gallery/"]
    stack.up(settings, ["kafka"], out=lines.append)
    assert len(lines) == 1
    (own / "index.html").unlink()
    stack.up(settings, ["collector-0"], out=lines.append)
    assert len(lines) == 1
