"""The preview in a real Chromium with a real ClickHouse and Prometheus: every kind of panel, and failures."""

import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image, ImageStat

from dashboards.observers import Observers, observing
from dashboards.preview import model, web
from dashboards.preview.pictures import OPENED, WIDTH, Picture, take
from dashboards.preview.server import Site, serving
from dashboards.preview.sources import Sources
from streams.errors import UserError
from tests.support import debian
from tests.support.clickhouse import Engine, running_engine

# npm downloads half a gigabyte, once per machine.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(web.INSTALL_SECONDS + 120)]

SAMPLE = Path(__file__).parent / "preview_sample.json"
# @grafana/ui draws these on a canvas, as Grafana does.
ON_CANVAS = {2, 3}
SHAPES = {4, 5, 6, 11, 13, 14}
SAYS = {
    7: "not drawn here: buckets that Grafana would calculate",
    18: "not drawn here: panels of type news",
    19: "Unknown table expression identifier 'nowhere'",
    20: "parse error: unclosed left parenthesis",
    21: "The plugin has no macro $__timeFiltre.",
    22: "not drawn here: the transformation configFromData",
    23: "not drawn here: repeated panels",
    24: "isn't sorted by time in ascending order",
    25: "none yet",
}
# Queries that fail, unlike panels that the preview can't draw.
FAILS = {19, 20, 21, 24}
SECTION, IN_SECTION, AFTER_SECTION = 26, 27, 29
SHOWS = {
    2: ["Lines of All", "renamed", "repeat", "Max"],
    3: ["job worker"],
    4: ["waiting", "going", "state"],
    5: ["100 ms", "+Inf"],
    6: ["0.1", "0.2", "0.5"],
    9: ["97.30", "%"],
    10: ["ready"],
    11: ["42%"],
    12: ["a", "b", "c", "10"],
    13: ["fetch", "beacon", "sdk", "failed"],
    14: ["coverage"],
    15: ["user_id", "u0", "u4", "25%", "seen at", '{"k":1}'],
    16: ["Pool All", "a link"],
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A ClickHouse with the database that the dashboards query."""
    with running_engine(tmp_path_factory.mktemp("preview") / "clickhouse") as running:
        running.client("writer").command("CREATE DATABASE IF NOT EXISTS impressions")
        yield running


@pytest.fixture(scope="module")
def observers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observers]:
    """A Prometheus that scrapes nothing: the sample's expressions need no metric."""
    debian.program("prometheus", "prometheus")
    with observing(tmp_path_factory.mktemp("observers"), {}, rules=None) as running:
        yield running


@pytest.fixture(scope="module")
def tools() -> Path:
    """Node, Chromium and the bundle; skips if a program is missing: they are not prerequisites of the project."""
    try:
        web.node()
        web.browser()
    except UserError as error:
        pytest.skip(str(error))
    return web.ready(lambda _line: None)


@pytest.fixture(scope="module")
def address(engine: Engine, observers: Observers, tools: Path) -> Iterator[str]:
    """The address at which the sample dashboard is served."""
    sample = orjson.loads(SAMPLE.read_bytes())
    with serving(Site({"sample": sample}, Sources(engine.settings(), observers.prometheus), tools)) as served:
        yield served


@pytest.fixture(scope="module")
def pictures(address: str, tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    """The sample in the dark and the light theme, with its section opened."""
    query = {"var-pool": "$__all", **OPENED}
    return take(address, ["sample"], {"sample": query}, tmp_path_factory.mktemp("pictures"))


def test_both_themes_render_whole_pages(pictures: list[Picture]) -> None:
    assert [picture.theme for picture in pictures] == ["dark", "light"]
    brightness: list[float] = []
    for picture in pictures:
        assert picture.file is not None
        with Image.open(picture.file) as image:
            assert image.width == WIDTH
            assert image.height > 45 * 38
            brightness.append(ImageStat.Stat(image.convert("L")).mean[0])
    dark, light = brightness
    assert dark < 60
    assert light > 200


def test_no_page_has_an_error_in_its_console(pictures: list[Picture]) -> None:
    assert [picture.errors for picture in pictures] == [[], []]


def test_every_panel_is_drawn_or_says_why_not(pictures: list[Picture]) -> None:
    for picture in pictures:
        panels = {panel["id"]: panel for panel in picture.panels}
        assert set(panels) == {panel["id"] for panel in model.panels(orjson.loads(SAMPLE.read_bytes()))}
        assert {number for number, panel in panels.items() if panel["message"]} == set(SAYS)
        assert all(panels[number]["canvases"] for number in ON_CANVAS)
        assert all(panels[number]["shapes"] > 2 for number in SHAPES)


@pytest.mark.parametrize(("number", "texts"), SHOWS.items())
def test_a_panel_shows(number: int, texts: list[str], pictures: list[Picture]) -> None:
    for picture in pictures:
        (panel,) = (panel for panel in picture.panels if panel["id"] == number)
        assert [text for text in texts if text not in panel["text"]] == [], panel["text"]


@pytest.mark.parametrize(("number", "text"), SAYS.items())
def test_a_panel_shows_its_error_and_the_others_are_drawn(number: int, text: str, pictures: list[Picture]) -> None:
    for picture in pictures:
        (panel,) = (panel for panel in picture.panels if panel["id"] == number)
        assert text in panel["message"]
        assert panel["failed"] is (number in FAILS)
        assert any(text in line for line in (picture.failures if number in FAILS else picture.notes))


def test_a_section_asks_for_its_panels_only_when_it_is_opened(address: str) -> None:
    (closed,) = take(address, ["sample"], {}, None, themes=("dark",))
    shown = {panel["id"]: panel for panel in closed.panels}
    assert IN_SECTION not in shown
    assert "A section" in shown[SECTION]["text"]
    assert "(1 panel)" in shown[SECTION]["text"]
    (opened,) = take(address, ["sample"], {"sample": OPENED}, None, themes=("dark",))
    drawn = {panel["id"]: panel for panel in opened.panels}
    assert drawn.keys() - shown.keys() == {IN_SECTION}
    assert "97.30" in drawn[IN_SECTION]["text"]
    assert "97.30" in drawn[AFTER_SECTION]["text"]


def test_a_chosen_value_reaches_the_query(address: str) -> None:
    assert names(panel(address, 2, "var-pool=fresh")) == [{"outcome": "fresh"}]
    assert names(panel(address, 2, "var-pool=fresh&var-pool=repeat")) == [{"outcome": "fresh"}, {"outcome": "repeat"}]


def test_the_page_receives_what_is_chosen(address: str) -> None:
    variables = {each["name"]: each for each in get(f"{address}/api/dashboard/sample?var-pool=repeat")["variables"]}
    assert variables["pool"]["values"] == ["repeat"]
    assert variables["datasource"]["hidden"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/d/nothing", 404), ("/bundle/../package.json", 404), ("/public/build/img/icons/../../../x", 404), ("/x", 404)],
)
def test_a_missing_path_has_an_error_status(path: str, status: int, address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(address + path, timeout=10)
    assert failure.value.code == status


def test_a_wrong_time_range_is_named(address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as failure:
        urllib.request.urlopen(f"{address}/api/dashboard/sample?from=yesterday&to=now", timeout=10)
    assert failure.value.code == 400
    assert b"'yesterday' is no time" in failure.value.read()


def test_the_index_names_the_dashboards(address: str) -> None:
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert b'href="/d/sample?' in answer.read()


def test_the_pages_sources_pass_the_type_check(tools: Path) -> None:
    checker = tools / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [web.node(), str(checker), "--project", str(web.SOURCES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def panel(address: str, number: int, query: str) -> dict[str, Any]:
    """The frames of one of the sample's panels."""
    return get(f"{address}/api/panel/sample/{number}?{query}")


def names(answer: dict[str, Any]) -> list[dict[str, str]]:
    """The labels of the numbers in the only frame."""
    (frame,) = answer["frames"]
    return [field["labels"] for field in frame["schema"]["fields"][1:]]


def get(url: str) -> dict[str, Any]:
    """Fetch JSON from an address."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return dict(orjson.loads(answer.read()))
