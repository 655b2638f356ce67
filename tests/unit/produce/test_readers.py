"""Files in every format, mapped, with bad rows among the good ones."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UserError
from streams.produce.columns import Columns
from streams.produce.readers import read
from streams.produce.rows import BadRow, Row

AT = 1_574_553_634_762  # 2019-11-24 00:00:34.762 UTC
MAPPED = Columns({"user_id": "user", "artwork_id": "item", "seen_at": "time"}, artwork_format="a{:04d}")


def load(path: Path, columns: Columns = MAPPED) -> tuple[list[Row], list[str]]:
    bad: list[BadRow] = []
    rows = list(read([path], columns, on_bad=bad.append))
    return rows, [str(b) for b in bad]


def write(path: Path, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("pattern", ["", "a", "{", "{}{}", "{x}", "{:04d", "{0.real}x{9}"])
def test_a_pattern_that_does_not_make_ids_is_refused(pattern: str) -> None:
    with pytest.raises(UserError, match="not a format for an id"):
        Columns(artwork_format=pattern)


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_a_csv_file_gives_its_good_rows_and_names_the_bad_ones(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path / name,
        "\ufefftime,user,item,position,click\r\n"
        f"{AT},u1,14,3,0\r\n"
        "\r\n"
        f"{AT},u 2,14,3,0\r\n"
        "yesterday,u2,14,3,0\r\n"
        f"{AT},u2,14\r\n"
        f'{AT},u2,"1\n4",3,0\r\n'
        f"{AT},u2,15,,1\r\n"
        f"{AT},,15,2.0,1\r\n"
        f"{AT},u2,15,1.5,1\r\n",
    )
    rows, bad = load(path)
    assert [(r.number, r.user_id, r.fields["artwork_id"], r.fields.get("position")) for r in rows] == [
        (2, "u1", "a0014", 3),
        (9, "u2", "a0015", None),
    ]
    assert [b.split(":")[1] for b in bad] == ["4", "5", "6", "7", "10", "11"]
    assert "4: user_id: ' ' is not allowed" in bad[0]
    assert "seen_at: a time is expected" in bad[1]
    assert "3 columns, the header has 5" in bad[2]
    assert "artwork_id: " in bad[3]
    assert "user_id: missing" in bad[4]
    assert "position: a whole number" in bad[5]


def test_bytes_that_are_not_text_and_huge_fields_harm_only_their_own_row(tmp_path: Path) -> None:
    huge = b"x" * (csv.field_size_limit() + 1)
    path = write(tmp_path / "log.csv", b"user_id,artwork_id,seen_at\n\xff,a,1\nu," + huge + b",1\nu,a,1574553634\n")
    rows, bad = load(path, Columns())
    assert [r.number for r in rows] == [4]
    assert [b.split(":")[1] for b in bad] == ["2", "3"]


@pytest.mark.parametrize("name", ["log.ndjson", "log.jsonl.gz"])
def test_ndjson_of_impressions_and_of_flushes(tmp_path: Path, name: str) -> None:
    good = {"impression_id": "i1", "artwork_id": "a1", "seen_at": AT, "visible": 0.5}
    flush = {"v": 1, "flush_id": "f1", "user_id": "u9", "sent_at": AT, "tier": "pro"}
    lines: list[Any] = [
        {"user": 7, "item": 14, "time": AT / 1000, "dwell_ms": 12.0, "session_id": "s"},
        [],
        {**flush, "impressions": [good, {**good, "seen_at": True}, {**good, "impression_id": "i2"}]},
        {**flush, "v": 2, "impressions": [good]},
        {"user": "u", "item": "15", "time": "2019-11-24", "dwell_ms": None},
        {"user": "u", "time": AT},
    ]
    text = "\ufeff" + "\n".join(json.dumps(line) for line in lines) + "\nnot json\n\n"
    rows, bad = load(write(tmp_path / name, text))
    assert [(r.number, r.user_id, r.session_id, r.fields["artwork_id"]) for r in rows] == [
        (1, "7", "s", "a0014"),
        (3, "u9", "", "a1"),
        (3, "u9", "", "a1"),
        (5, "u", "", "a0015"),
    ]
    assert rows[0].fields["dwell_ms"] == 12
    envelope = rows[1].envelope
    assert envelope is not None
    assert envelope is rows[2].envelope
    assert (envelope.size, envelope.header["flush_id"]) == (2, "f1")
    assert [b.split(": ", 1)[1].split(":")[0] for b in bad] == [
        "a JSON object is expected",
        "impression 1",
        "invalid",
        "artwork_id",
        "not JSON",
    ]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([AT, AT, None], pa.timestamp("ms")),
        pa.array([AT * 1_000_000 + 5] * 2 + [None], pa.timestamp("ns", tz="Europe/Berlin")),
        pa.array([AT, AT, None], pa.int64()),
        pa.array([AT / 1000, AT / 1000, None], pa.float64()),
        pa.array(["2019-11-24T00:00:34.762Z"] * 2 + [None]),
    ],
)
def test_a_parquet_file_gives_its_rows_whatever_type_its_times_have(tmp_path: Path, times: Any) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table(
        {
            "time": times,
            "user": pa.array(["u1", "u2", "u3"]).dictionary_encode(),
            "item": pa.array([14.0, 15.0, 16.0]),  # pandas makes floats of whole numbers in a column with gaps
            "visible": pa.array([0.5, None, 1.0], pa.float32()),
            "other": [[1], [2], [3]],
        }
    )
    pq.write_table(table, path)
    rows, bad = load(path)
    assert [(r.number, r.user_id, r.seen_at, r.fields["artwork_id"]) for r in rows] == [
        (1, "u1", AT, "a0014"),
        (2, "u2", AT, "a0015"),
    ]
    assert (rows[0].fields["visible"], "visible" in rows[1].fields) == (0.5, False)
    assert bad == ["log.parquet:3: seen_at: missing"]


def test_a_missing_column_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    sentence = "has no column for artwork_id: it has user_id, item, seen_at; say --map artwork_id=COLUMN"
    path = write(tmp_path / "a.csv", "user_id,item,seen_at\n")
    with pytest.raises(UserError, match=f"a.csv {sentence}"):
        load(path, Columns())
    path = write(tmp_path / "a.ndjson", '{"user_id":"u","item":1,"seen_at":1}\n')
    with pytest.raises(UserError, match=f"a.ndjson {sentence}"):
        load(path, Columns())
    pq.write_table(pa.table({"user_id": ["u"], "item": [1], "seen_at": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=f"a.parquet {sentence}"):
        load(tmp_path / "a.parquet", Columns())


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("none.csv", None, "No such file"),
        ("log.xml", b"", "what format"),
        ("empty.csv", b"", "is empty"),
        ("twice.csv", b"user_id,user_id\n", "two columns"),
        ("cut.csv.gz", gzip.compress(b"user_id,artwork_id,seen_at\n" * 1000, mtime=0)[:40], "is damaged"),
        ("plain.csv.gz", b"user_id", "can't be read"),
        ("text.parquet", b"PAR1 not", "not a readable Parquet"),
    ],
)
def test_an_unreadable_file_is_one_sentence(tmp_path: Path, name: str, data: bytes | None, says: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=says):
        load(tmp_path / name, Columns())


def test_ids_are_the_same_on_each_read_and_differ_between_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", f"time,user,item\n{AT},u,1\n{AT},u,1\n")
    ids = [[r.fields["impression_id"] for r in load(path)[0]] for _ in range(2)]
    assert ids[0] == ids[1]
    assert ids[0][0] != ids[0][1]
    fresh = Columns(MAPPED.names, artwork_format="a{}", new_ids=True)
    assert load(path, fresh)[0][0].fields["impression_id"] != load(path, fresh)[0][0].fields["impression_id"]


def test_mapping_of_an_unknown_field_is_refused() -> None:
    with pytest.raises(UserError, match=r"--map: artwork is not a field; user_id, artwork_id"):
        Columns({"artwork": "x"})
