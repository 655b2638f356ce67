"""The browser's recorder, as a collector serves it: to every page, and a version's files for ever."""

import gzip
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha384
from pathlib import Path
from urllib.parse import urljoin

import orjson
import pytest

from tests.support.collector import Running, counted, running_collector, text
from tests.support.recorder_files import BESIDE, FILES, VERSION, write

EVIL = "https://evil.example"
CURRENT = {"/recorder.js": "recorder.js", "/recorder.mjs": "recorder.mjs", "/recorder-stub.js": "stub.js"}
OWN = {f"/recorder/{VERSION}/{name}": name for name in (*FILES, *BESIDE)}
PATHS = [*CURRENT, *OWN, "/recorder.json"]
SCRIPT, JSON, TEXT = "text/javascript; charset=utf-8", "application/json", "text/plain; charset=utf-8"
TYPES = {".js": SCRIPT, ".mjs": SCRIPT, ".map": JSON, ".json": JSON, ".ts": TEXT}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_collector(
        recorder_files=write(tmp_path_factory.mktemp("recorder")), collector_origins="https://shop.example"
    ) as running:
        yield running


@pytest.mark.parametrize("path", [*CURRENT, *OWN])
def test_each_file_is_served_as_it_is(running: Running, path: str) -> None:
    answer = running.ask("GET", path)
    assert answer.status == 200
    assert text(answer) == (FILES | BESIDE)[(CURRENT | OWN)[path]]
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [{}, {"Origin": EVIL}, {"Origin": "https://shop.example"}, {"Origin": "null"}])
def test_every_page_may_load_it_without_credentials(running: Running, path: str, origin: dict[str, str]) -> None:
    for tag in ("", running.ask("GET", path).headers["ETag"]):
        answer = running.ask("GET", path, headers={**origin, "If-None-Match": tag})
        assert answer.status == (304 if tag else 200)
        assert answer.headers.get_all("Access-Control-Allow-Origin") == ["*"]
        assert not {name.lower() for name in answer.headers if "credentials" in name.lower()}
        assert "Origin" not in answer.headers.get("Vary", "")
        assert answer.headers.get_all("Cross-Origin-Resource-Policy") == ["cross-origin"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
def test_types_are_those_that_browsers_run(running: Running, path: str) -> None:
    answer = running.ask("GET", path)
    assert answer.headers["Content-Type"] == TYPES[Path(path).suffix]


@pytest.mark.parametrize("path", PATHS)
def test_a_versions_files_are_kept_for_ever_and_the_current_ones_for_minutes(running: Running, path: str) -> None:
    kept = "public, max-age=31536000, immutable" if path in OWN else "public, max-age=300"
    first = running.ask("GET", path)
    again = running.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.headers.get_all("Cache-Control"), again.headers.get_all("Cache-Control")) == ([kept], [kept])
    assert not first.headers["ETag"].startswith("W/")
    assert (again.status, text(again), again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert running.ask("GET", path, headers={"If-None-Match": '"other"'}).status == 200


def test_who_takes_gzip_gets_it_with_a_tag_of_its_own(running: Running) -> None:
    plain = running.ask("GET", "/recorder.js", headers={"Accept-Encoding": "br, gzip;q=0"})
    packed = running.ask("GET", "/recorder.js", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(text(packed)) == text(plain) == FILES["recorder.js"]
    assert len(text(packed)) == int(packed.headers["Content-Length"]) < len(text(plain))
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    has_it = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    assert running.ask("GET", "/recorder.js", headers=has_it).status == 304
    assert running.ask("GET", "/recorder.js", headers={"If-None-Match": packed.headers["ETag"]}).status == 200


def test_what_would_not_become_smaller_is_sent_as_it_is(running: Running) -> None:
    answer = running.ask("GET", "/recorder-stub.js", headers={"Accept-Encoding": "gzip"})
    assert text(answer) == FILES["stub.js"]
    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers


def test_head_says_what_get_would_without_a_body(running: Running) -> None:
    got, head = (running.ask(method, "/recorder.js") for method in ("GET", "HEAD"))
    assert (head.status, text(head)) == (200, b"")
    for name in ("ETag", "Content-Length", "Content-Type", "Cache-Control"):
        assert head.headers[name] == got.headers[name]


def test_the_manifest_has_what_a_script_tag_needs(running: Running) -> None:
    found = orjson.loads(text(running.ask("GET", "/recorder.json")))
    assert found["version"] == VERSION
    assert set(found["files"]) == set(FILES)
    for described in found["files"].values():
        content = text(running.ask("GET", described["path"]))
        assert described["integrity"] == f"sha384-{b64encode(sha384(content).digest()).decode()}"
        packed = text(running.ask("GET", described["path"], headers={"Accept-Encoding": "gzip"}))
        assert (described["bytes"], described["gzip_bytes"]) == (len(content), len(packed))


def test_a_source_map_is_found_from_both_places(running: Running) -> None:
    for path in ("/recorder.js", f"/recorder/{VERSION}/recorder.js"):
        beside = urljoin(path, running.ask("GET", path).headers["SourceMap"])
        assert running.ask("GET", beside).status == 200
    assert "SourceMap" not in running.ask("GET", "/recorder.mjs").headers


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/recorder/0.9.0/recorder.js", "version 1.0.0 is here"),
        (f"/recorder/{VERSION}/recorder.css", "no such file"),
        (f"/recorder/{VERSION}/manifest.json", "no such file"),
        (f"/recorder/{VERSION}/..", "no such file"),
    ],
)
def test_another_version_or_file_is_a_problem_that_says_which_is_here(running: Running, path: str, says: str) -> None:
    answer = running.ask("GET", path, headers={"Origin": EVIL})
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store", "it may be here tomorrow"
    assert answer.headers["Access-Control-Allow-Origin"] == "*", "or the browser would speak of CORS only"
    assert says in orjson.loads(text(answer))["detail"]


@pytest.mark.parametrize("path", ["/recorder", "/recorder/", f"/recorder/{VERSION}/x/recorder.js", "/recorder/1%2f0/x"])
def test_beside_these_there_is_nothing(running: Running, path: str) -> None:
    assert running.ask("GET", path).status == 404


def test_the_requests_are_counted_by_themselves(running: Running) -> None:
    found, missing = (counted("requests", route="recorder", status=status) for status in ("200", "404"))
    for path in ("/recorder.js", "/recorder.json", f"/recorder/{VERSION}/stub.js", "/recorder/2/stub.js"):
        running.ask("GET", path)
    assert counted("requests", route="recorder", status="200") == found + 3
    assert counted("requests", route="recorder", status="404") == missing + 1


def test_an_address_over_its_limit_still_gets_it(tmp_path: Path) -> None:
    """A page that can't load its recorder records nothing at all; what limits reads is for what costs something."""
    with running_collector(
        recorder_files=write(tmp_path), collector_address_rate=0.001, collector_address_burst=1
    ) as running:
        assert [running.ask("GET", "/recorder.js").status for _ in range(5)] == [200] * 5


def test_without_the_build_each_path_says_so_and_recording_goes_on(tmp_path: Path) -> None:
    with running_collector(recorder_files=tmp_path / "absent") as running:
        for path in PATHS:
            answer = running.ask("GET", path)
            assert answer.status == 404
            assert "make recorder" in orjson.loads(text(answer))["detail"]
        assert running.ask("GET", "/readyz").status == 200


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a changed file": lambda folder: (folder / "recorder.js").write_bytes(b"alert(1)"),
    "a missing file": lambda folder: (folder / "stub.js").unlink(),
    "a manifest that isn't JSON": lambda folder: (folder / "manifest.json").write_bytes(b"{"),
    "a manifest without files": lambda folder: (folder / "manifest.json").write_bytes(b'{"version":"1"}'),
    "a manifest that is a list": lambda folder: (folder / "manifest.json").write_bytes(b"[]"),
    "a version that is no path": lambda folder: write(folder, "../1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_not_served(tmp_path: Path, damage: str) -> None:
    folder = write(tmp_path)
    DAMAGES[damage](folder)
    with running_collector(recorder_files=folder) as running:
        answer = running.ask("GET", "/recorder.js")
        assert answer.status == 404
        assert "install impression-streams again" in orjson.loads(text(answer))["detail"]
