"""The gallery, as its visitors use it: real browser, collector, broker, worker, sink and ClickHouse."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.support.wait import until

pytest.importorskip("selenium", reason="missing: selenium")

from selenium.webdriver import Keys

from tests.support import gallery as support
from tests.support.gallery import ARTWORKS, SECONDS, Gallery, Visit, running_gallery, visiting

pytestmark = [pytest.mark.integration, pytest.mark.skipif(bool(support.missing()), reason=support.missing())]

names = count()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with running_gallery(tmp_path_factory.mktemp("gallery")) as gallery:
        yield gallery


@pytest.fixture
def visit(gallery: Gallery, tmp_path: Path) -> Iterator[Visit]:
    """A visit that nothing may have gone wrong in: no error in the console, and nothing of the page moved by itself."""
    with visiting(gallery, tmp_path / "profile") as visit:
        yield visit
        assert visit.complaints() == []
        assert sum(visit.shifts()) == 0


@pytest.fixture
def user() -> str:
    return f"visitor-{next(names)}"


def test_what_was_seen_is_counted_once_and_never_shown_again(gallery: Gallery, visit: Visit, user: str) -> None:
    visit.enter(user)
    visit.see(30)
    numbers = visit.wait_acknowledged()
    seen = visit.seen()
    assert numbers["recorded"] == len(seen) >= 30
    until(lambda: gallery.rows(user) == sorted(seen), SECONDS, "ClickHouse has a row for each, and no other")
    until(lambda: visit.numbers()["unseen"] == ARTWORKS - len(seen), SECONDS, "the visitor's numbers follow")
    assert visit.text('[data-number="coverage"]') == f"{100 * len(seen) / ARTWORKS:.1f} %"
    visit.reload()
    left = visit.pass_everything()
    assert not set(left) & set(seen)
    assert len(left) == len(set(left)) == ARTWORKS - len(seen)
    assert sorted({*left, *seen}) == [f"gallery-{n:03d}" for n in range(1, ARTWORKS + 1)]


def test_offline_it_is_kept_and_afterwards_sent(gallery: Gallery, visit: Visit, user: str) -> None:
    visit.enter(user)
    visit.see(3)
    before = visit.wait_acknowledged()["acknowledged"]
    visit.click("offline")
    visit.see(before + 6)
    until(lambda: visit.numbers()["sent"] > visit.numbers()["recorded"], SECONDS, "it was tried in vain")
    offline = visit.numbers()
    assert offline["acknowledged"] == before
    assert offline["pending"] == offline["recorded"] - before >= 6
    assert offline["stored"] == offline["recorded"]
    assert len(gallery.rows(user)) <= before
    visit.click("offline")
    numbers = visit.wait_acknowledged()
    assert numbers["acknowledged"] >= offline["recorded"]
    until(lambda: gallery.rows(user) == sorted(visit.seen()), SECONDS, "ClickHouse has a row for each")


def test_what_was_seen_offline_is_not_shown_after_a_reload_either(gallery: Gallery, visit: Visit, user: str) -> None:
    visit.enter(user)
    visit.click("offline")
    visit.see(6)
    until(lambda: visit.numbers()["stored"] == visit.numbers()["recorded"], SECONDS, "it is stored")
    seen = visit.seen()
    visit.reload()
    assert not set(visit.hung()) & set(seen)
    until(lambda: set(gallery.rows(user)) >= set(seen), SECONDS, "what the page before left is sent")


def test_what_one_tab_shows_the_others_leave_out(gallery: Gallery, visit: Visit, user: str) -> None:
    visit.enter(user)
    first = visit.driver.current_window_handle
    visit.see(3)
    visit.click("tabs")
    until(lambda: len(visit.driver.window_handles) == 6, SECONDS, "five more are open")
    hung: dict[str, list[str]] = {}
    for handle in visit.driver.window_handles:
        visit.driver.switch_to.window(handle)
        visit.wait_loaded()
        visit.see_what_is_in_view()
        hung[handle] = visit.hung()
    # All tabs began with the same works; those further down are gone from a tab once another has shown them.
    visit.driver.switch_to.window(first)
    visit.see(20)
    seen = set(visit.seen())
    until(lambda: set(gallery.rows(user)) >= seen, SECONDS, "ClickHouse has them")
    assert len(gallery.rows(user)) == len(set(gallery.rows(user))), "five tabs, and no artwork twice"
    for handle in hung:
        if handle != first:
            visit.driver.switch_to.window(handle)
            again = set(visit.hung()[12:]) & seen
            assert not again


def test_whoever_has_seen_everything_is_told_so(gallery: Gallery, tmp_path: Path, user: str) -> None:
    # In a window this tall, a few dozen works are in view at a time.
    with visiting(gallery, tmp_path / "profile", (1440, 6000)) as visit:
        visit.enter(user)
        visit.see(ARTWORKS)
        until(lambda: visit.text(".end h2") == "You have seen everything", SECONDS, "it is the end")
        visit.wait_acknowledged()
        until(lambda: visit.numbers()["unseen"] == 0, SECONDS, "nothing is left")
        assert "All 240 works, each of them once" in visit.text(".end p")
        visit.reload()
        until(lambda: visit.text(".end h2") == "You have seen everything", SECONDS, "it still is")
        assert visit.hung() == []
        visit.click("another")
        until(visit.hung, SECONDS, "another visitor has not")
        assert f"user={user}" not in visit.driver.current_url
        assert visit.complaints() == []


def test_it_works_by_keyboard(visit: Visit, user: str) -> None:
    visit.enter(user)
    until(lambda: visit.driver.find_element("css selector", '[data-button="timeline"]').is_displayed(), SECONDS, "all")
    stops = []
    for _ in range(7):
        visit.press(Keys.TAB)
        stops.append(visit.focused())
        outline = visit.script("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", f"no visible focus on {stops[-1]}"
    titles = visit.titles()
    assert stops == ["Skip to the works", "visitor", "Enter", "Timeline", "Open five tabs", titles[0], "Offline"]
    visit.press_back()
    moves = {Keys.ARROW_RIGHT: 1, Keys.PAGE_DOWN: 2, Keys.ARROW_LEFT: 1, Keys.PAGE_UP: 0, Keys.END: -1, Keys.HOME: 0}
    for key, at in moves.items():
        visit.press(key)
        assert visit.focused() == visit.titles()[at], key
    visit.press(Keys.ARROW_DOWN)
    below = visit.focused()
    assert below not in titles[:2]
    visit.press(Keys.ARROW_UP)
    assert visit.focused() == titles[0]
    # A work is in view when it has the focus, and seen by staying there.
    visit.press(Keys.ARROW_DOWN)
    state = 'return document.activeElement.querySelector(".mark").dataset.state'
    until(lambda: visit.script(state) != "new", SECONDS, "it is seen")
    visit.press(Keys.TAB, Keys.SPACE)
    assert visit.script("return document.activeElement.getAttribute('aria-checked')") == "true"


def test_the_timeline_has_what_was_seen(visit: Visit, user: str) -> None:
    visit.enter(user)
    visit.see(3)
    visit.wait_acknowledged()
    until(lambda: visit.numbers()["unseen"] < ARTWORKS, SECONDS, "the collector knows")
    visit.click("timeline")
    rows = 'return [...document.querySelectorAll(".timeline li .title")].map((title) => title.innerText)'
    shown = until(lambda: visit.script(rows), SECONDS, "entries are there")
    by_id = dict(visit.script('return [...document.querySelectorAll(".work .title")].map((t) => [t.id, t.innerText])'))
    assert sorted(shown) == sorted(by_id[f"{each}-title"] for each in visit.seen())
    visit.press(Keys.ESCAPE)
    assert visit.focused() == "Timeline"


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone(gallery: Gallery, tmp_path: Path, user: str, dark: bool) -> None:
    with visiting(gallery, tmp_path / "profile", (360, 780), 2, dark) as visit:
        visit.enter(user)
        visit.see(4)
        numbers = visit.wait_acknowledged()
        assert numbers["recorded"] >= 4
        wide = "return [document.documentElement.scrollWidth, innerWidth]"
        assert visit.script(wide) == [360, 360]
        outside = """
            return [...document.querySelectorAll(".instruments *, .controls *, .work *")]
              .filter((each) => each.getBoundingClientRect().right > 360.5 && !each.closest(".unseen-text"))
              .map((each) => each.outerHTML);
        """
        assert visit.script(outside) == []
        assert (visit.complaints(), sum(visit.shifts())) == ([], 0)


def test_a_work_is_the_same_wherever_it_is_drawn(visit: Visit, user: str) -> None:
    visit.enter(user)
    drawn = """
        const { artwork, draw } = await import("./art/artwork.js");
        const pixels = (id) => {
          const canvas = document.createElement("canvas");
          Object.assign(canvas, { width: 80, height: 100 });
          draw(artwork(id), canvas.getContext("2d"), 80, 100);
          return canvas.toDataURL();
        };
        const ids = Array.from({ length: 240 }, (_, n) => `gallery-${String(n + 1).padStart(3, "0")}`);
        return [ids.map(pixels), ids.map(pixels), ids.map((id) => artwork(id).title)];
    """
    once, again, titles = visit.script(f"return (async () => {{{drawn}}})()")
    assert once == again
    assert len(set(once)) == len(set(titles)) == ARTWORKS
