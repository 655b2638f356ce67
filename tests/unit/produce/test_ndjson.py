"""NDJSON: exact numbers, mixed events, lists of impressions, and what is not JSON."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from streams.errors import UserError
from streams.produce import binding, source
from streams.produce.options import ProduceOptions
from streams.produce.run import run
from tests.unit.produce.play import NOWHERE, dry_run, write

AT = 1_700_000_000_000
ROW = {"user_id": "u1", "artwork_id": "a1", "seen_at": AT}


def test_what_is_not_a_json_object_is_one_bad_row_each(tmp_path: Path) -> None:
    lines = [
        json.dumps(ROW).encode(),
        *(b"{", b"{}{}", b"null", b'{"user_id":"\xe9"}', b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}", b"\x1a"),
        json.dumps({**ROW, "dwell_ms": 1e400}).encode(),
        json.dumps({**ROW, "user_id": {"id": 1}}).encode(),
        json.dumps({**ROW, "user_id": "\ud800"}).encode(),
    ]
    played = dry_run(write(tmp_path / "f.ndjson", b"\n".join(lines)))
    assert played.users == ["u1"]
    assert [bad.split(":")[1] for bad in played.bad] == [str(n) for n in range(2, len(lines) + 1)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["", "utf-16", "utf-8-sig", "cp1252"])
def test_any_encoding_is_read(tmp_path: Path, encoding: str, end: str) -> None:
    text = json.dumps({**ROW, "title": "Mus\xe9e\u2028"[: 5 if encoding == "cp1252" else 6]}, ensure_ascii=False)
    path = write(tmp_path / "f.jsonl", (text + end + end + text).encode(encoding or "utf-8"))
    played = dry_run(path, encoding=encoding)
    assert (played.users, played.code) == (["u1", "u1"], 0)


def test_an_array_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"one JSON array: .* jq"):
        dry_run(write(tmp_path / "f.json", json.dumps([ROW])))


def test_a_line_above_the_limit_is_one_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_LINE", 100)
    played = dry_run(write(tmp_path / "f.ndjson", [ROW, {**ROW, "title": "x" * 1000}, ROW]))
    assert (len(played.rows), len(played.bad)) == (2, 1)
    assert "a line above" in played.bad[0]


def test_an_event_of_the_impressions_kind_without_an_artwork_is_bad(tmp_path: Path) -> None:
    lines = [{**ROW, "event": "seen"}, {"event": "seen", "user_id": "u2", "seen_at": AT}, {"event": "viewed"}]
    played = dry_run(write(tmp_path / "f.ndjson", lines))
    assert played.bad == ["f.ndjson:2: artwork_id: missing"]
    assert dict(played.tally.others) == {"viewed": 1}
    assert played.code == 1


def test_a_type_names_other_events_and_may_be_the_artworks_own(tmp_path: Path) -> None:
    lines = [{**ROW, "type": "image"}, {**ROW, "type": "video"}, {"type": "identify", "user_id": "u"}]
    played = dry_run(write(tmp_path / "f.ndjson", lines))
    assert (len(played.rows), dict(played.tally.others)) == (2, {"identify": 1})


def test_names_without_end_are_bad_rows_not_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "MOST_KINDS", 3)
    played = dry_run(write(tmp_path / "f.ndjson", [ROW, *({"event": f"e{n}"} for n in range(5))]))
    assert (played.tally.others.total(), len(played.bad)) == (3, 2)


def test_where_chooses_by_nested_values_and_numbers(tmp_path: Path) -> None:
    lines = [{**ROW, "p": {"kind": kind, "n": n}} for kind, n in (("seen", 1), ("seen", 2), ("click", 1))]
    played = dry_run(write(tmp_path / "f.ndjson", lines), where=["p.kind=seen", "p.n=1"])
    assert (len(played.rows), dict(played.tally.others)) == (1, {"not matching --where": 2})


@pytest.mark.parametrize("name", ["f.ndjson", "f.csv"])
def test_a_choice_by_a_column_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    text = (
        json.dumps({**ROW, "event": "seen"})
        if name == "f.ndjson"
        else f"user_id,artwork_id,seen_at,event\nu,a,{AT},seen"
    )
    with pytest.raises(UserError, match=r"no column for --where evnt: it has user_id, artwork_id, seen_at, event"):
        dry_run(write(tmp_path / name, text), where=["evnt=seen"])


def test_a_log_without_any_impression_is_refused_by_the_names_it_has(tmp_path: Path) -> None:
    lines = [{"event": "viewed", "user_id": "u", "seen_at": AT, "page": {"url": "x"}}] * 300
    with pytest.raises(UserError, match=r"for artwork_id: it has event, user_id, seen_at, page.url; say --map"):
        dry_run(write(tmp_path / "f.ndjson", lines))


def test_a_mapped_column_that_no_record_has_is_refused_and_one_that_is_null_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "f.ndjson", [{**ROW, "p": {"place": None}}])
    assert "position" not in dry_run(path, maps=["position=p.place"]).rows[0].fields
    with pytest.raises(UserError, match=r"has no column for position: .* p.place"):
        dry_run(path, maps=["position=p.plaec"])


def test_a_list_is_as_many_impressions_as_it_has_elements(tmp_path: Path) -> None:
    shown = [{"id": "a1", "at": 0}, {"id": "a2", "at": 1}, {"at": 2}]
    lines: list[Any] = [
        {"user_id": "u1", "seen_at": AT, "id": "e1", "p": {"shown": shown}},
        {"user_id": "u2", "seen_at": AT, "id": "e2", "p": {"shown": []}},
        {"user_id": "u3", "seen_at": AT, "id": "e3", "p": {"shown": json.dumps(shown[:1])}},
    ]
    path = write(tmp_path / "f.ndjson", lines)
    played = dry_run(path, maps=["artwork_id=p.shown[].id", "position=p.shown[].at", "impression_id=id"])
    names = ("artwork_id", "position", "impression_id")
    assert [tuple(row.fields[name] for name in names) for row in played.rows] == [
        ("a1", 0, "e1.0"),
        ("a2", 1, "e1.1"),
        ("a1", 0, "e3.0"),
    ]
    assert played.users == ["u1", "u1", "u3"]
    assert played.bad == ["f.ndjson:1: artwork_id: missing", "f.ndjson:2: p.shown: an empty list"]
    assert played.tally.rows == 5


def test_a_line_may_hold_a_batch_of_events(tmp_path: Path) -> None:
    seen = {"event": "seen", "user": "u1", "artwork": "a1", "at": AT}
    batch = [seen, {"event": "viewed", "user": "u1"}, {**seen, "artwork": "a2", "user": "u2"}]
    path = write(tmp_path / "f.ndjson", [{"batch": batch}, {"batch": [{**seen, "event": "clicked"}]}])
    maps = ["user_id=batch[].user", "artwork_id=batch[].artwork", "seen_at=batch[].at"]
    with pytest.raises(UserError, match=r"seen and clicked: .* --where batch\[\].event=seen"):
        dry_run(path, maps=maps)
    played = dry_run(path, maps=maps, where=["batch[].event=seen"])
    assert (played.users, played.artworks) == (["u1", "u2"], ["a1", "a2"])
    assert (played.tally.rows, dict(played.tally.others)) == (4, {"viewed": 1, "clicked": 1})


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_limit_ends_the_reading_and_the_counts_still_add_up(tmp_path: Path, limit: int) -> None:
    flush = {"v": 1, "flush_id": "f1", "user_id": "u9", "sent_at": AT}
    seen = [{"impression_id": f"i{n}", "artwork_id": "a1", "seen_at": AT} for n in range(3)]
    path = write(tmp_path / "f.ndjson", [ROW, {**flush, "impressions": seen}, {"no": "row"}])
    options = ProduceOptions.parse(dry_run=True, limit=limit)
    report = run([path, path], options, NOWHERE, Console(file=io.StringIO()))
    assert (report.tally.rows, report.tally.impressions, report.exit_code) == (limit, limit, 0)
