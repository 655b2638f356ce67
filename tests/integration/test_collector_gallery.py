"""The gallery: the pages of a folder, on one's own machine; nothing else of the disk, and no code from elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.collector.http.gallery import MOST_BYTES
from streams.errors import UserError
from tests.support.collector import Running, counted, flush, running_collector, text

PAGES = {
    "index.html": (b"<!doctype html><title>Gallery</title>", "text/html; charset=utf-8"),
    "gallery.css": (b"body{}", "text/css; charset=utf-8"),
    "parts/draw.js": (b"export{}", "text/javascript; charset=utf-8"),
    "parts/a.svg": (b"<svg/>", "image/svg+xml"),
    "parts/a.webp": (b"RIFF", "image/webp"),
}
SECRET = b"secret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery, and beside it and in it what must not be served."""
    outside = tmp_path_factory.mktemp("outside")
    folder = outside / "gallery"
    for name, (content, _) in PAGES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (outside / "secret.txt").write_bytes(SECRET)
    (outside / "beside").mkdir()
    (outside / "beside" / "secret.txt").write_bytes(SECRET)
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "inner.txt").symlink_to(folder / "index.html")
    (folder / "linked").symlink_to(outside / "beside")
    (folder / ".hidden.txt").write_bytes(SECRET)
    (folder / ".git").mkdir()
    (folder / ".git" / "config.txt").write_bytes(SECRET)
    (folder / "keys.pem").write_bytes(SECRET)
    (folder / "README").write_bytes(SECRET)
    (folder / "folder.html").mkdir()
    (folder / "most.png").write_bytes(bytes(MOST_BYTES))
    (folder / "more.png").write_bytes(bytes(MOST_BYTES + 1))
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    with running_collector(collector_gallery=folder) as running:
        yield running


def test_by_default_there_is_none() -> None:
    with running_collector() as running:
        assert running.ask("GET", "/gallery/").status == 404
        assert running.ask("GET", "/gallery").status == 404


def test_an_empty_setting_is_none_and_not_the_working_folder() -> None:
    with running_collector(collector_gallery="") as running:
        assert running.ask("GET", "/gallery/CHANGELOG.txt").status == 404
        assert running.ask("GET", "/gallery/").status == 404


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"^IMPRESSIONS_COLLECTOR_GALLERY is wrong: .+ is not a folder\.$"),
        running_collector(collector_gallery=tmp_path / "absent"),
    ):
        pass


@pytest.mark.parametrize("name", PAGES)
def test_its_files_are_served(running: Running, name: str) -> None:
    content, of_type = PAGES[name]
    answer = running.ask("GET", f"/gallery/{name}")
    assert (answer.status, text(answer), answer.headers["Content-Type"]) == (200, content, of_type)


def test_the_folder_is_its_page(running: Running) -> None:
    assert text(running.ask("GET", "/gallery/")) == PAGES["index.html"][0]
    moved = running.ask("GET", "/gallery")
    assert (moved.status, moved.headers["Location"]) == (308, "/gallery/")


def test_no_code_from_elsewhere_runs_in_it(running: Running) -> None:
    headers = running.ask("GET", "/gallery/").headers
    (policy,) = headers.get_all("Content-Security-Policy") or []
    assert dict(each.split(" ", 1) for each in policy.split("; ")) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers.get_all("Cross-Origin-Resource-Policy") == ["same-origin"]


@pytest.mark.parametrize(
    "path",
    [
        *("link.txt", "inner.txt", "linked/secret.txt", "../secret.txt", "../gallery/index.html"),
        *("parts/../index.html", "%2e%2e/secret.txt", "..%2fsecret.txt", "..%5csecret.txt", "./index.html"),
        *("parts/%2e%2e/%2e%2e/secret.txt", ".hidden.txt", ".git/config.txt", "keys.pem", "README", "parts", "parts/"),
        *("folder.html", "/index.html", "index.html/", "index.html%00.txt", "nothing.html", "more.png", "%ff.txt"),
        "a/" * 120 + "a.txt",
    ],
)  # fmt: skip
def test_nothing_else_of_the_disk_is(running: Running, path: str) -> None:
    answer = running.ask("GET", f"/gallery/{path}")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert SECRET not in text(answer)


def test_an_absolute_path_is_not_below_it(running: Running, folder: Path) -> None:
    assert running.ask("GET", f"/gallery/{folder.parent}/secret.txt").status == 404


def test_a_large_picture_has_room(running: Running) -> None:
    assert len(text(running.ask("GET", "/gallery/most.png"))) == MOST_BYTES


def test_only_what_has_changed_is_sent_again(running: Running, folder: Path) -> None:
    path = "/gallery/changing.css"
    (folder / "changing.css").write_bytes(b"a{}")
    first = running.ask("GET", path)
    assert first.headers["Cache-Control"] == "no-cache"
    has_it = {"If-None-Match": first.headers["ETag"]}
    assert running.ask("GET", path, headers=has_it).status == 304
    (folder / "changing.css").write_bytes(b"b{}")
    again = running.ask("GET", path, headers=has_it)
    assert (again.status, text(again)) == (200, b"b{}")


def test_its_pages_may_record_although_no_origin_is_allowed(running: Running) -> None:
    """A browser names a page's origin with every POST, also to where it came from."""
    _, port = running.address
    for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
        assert running.post(flush(), {"Origin": origin}).status == 202
    assert running.post(flush(), {"Origin": "https://evil.example"}).status == 403
    # A name of somebody else's that leads here is not one of ours.
    assert (
        running.post(flush(), {"Origin": f"http://evil.example:{port}", "Host": f"evil.example:{port}"}).status == 403
    )


def test_without_a_gallery_they_are_pages_like_any_other() -> None:
    with running_collector() as running:
        assert running.post(flush(), {"Origin": f"http://127.0.0.1:{running.address[1]}"}).status == 403


def test_only_reading_is_offered(running: Running) -> None:
    answer = running.ask("PUT", "/gallery/index.html", b"x")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_it_is_counted_with_the_pages_for_people(running: Running) -> None:
    before = counted("requests", route="docs", status="200")
    running.ask("GET", "/gallery/")
    assert counted("requests", route="docs", status="200") == before + 1
