"""Files of artworks in every format: which rows they give, and which rows are bad, by name."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.catalogue_load.options import LoadOptions
from streams.errors import UserError
from streams.produce.readers import read_file
from streams.produce.rows import BadRow
from tests.support.flushes import line

T = 1_732_431_599_000
CSV = f'artwork_id,pool_id,created_at,retired,dna,title\na1,main,{T},,,Blue\na2,side,,true,"[1, 2]",NA\n'
ROWS = [
    {"artwork_id": "a1", "pool_id": "main", "created_at": T},
    {"artwork_id": "a2", "pool_id": "side", "retired": True, "dna": b"[1.0,2.0]"},
]


def read(path: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows and the bad ones of a file."""
    parsed = LoadOptions.parse(**options)
    items = list(read_file(path, parsed.columns, parsed.file_format))
    good = [item.fields for item in items if not isinstance(item, BadRow)]
    return good, [str(item) for item in items if isinstance(item, BadRow)]


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_plain_and_gzipped(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.csv", CSV)) == (ROWS, [])
    assert read(written(tmp_path / "a.csv.gz", gzip.compress(CSV.encode()))) == (ROWS, [])


def test_ndjson_with_fields_that_only_some_lines_have(tmp_path: Path) -> None:
    lines = f'{{"artwork_id":"a1","pool_id":"main","created_at":{T},"title":"Blue"}}\n'
    lines += '{"artwork_id":"a2","pool_id":"side","retired":true,"dna":[1,2],"created_at":null}\n'
    assert read(written(tmp_path / "a.ndjson", lines)) == (ROWS, [])


def test_parquet_with_times_and_gaps(tmp_path: Path) -> None:
    table = pa.table(
        {
            "artwork_id": ["a1", "a2"],
            "pool_id": ["main", "side"],
            "created_at": pa.array([T, None], pa.timestamp("ms", "UTC")),
            "retired": [None, True],
            "dna": [None, [1.0, 2.0]],
            "title": ["Blue", None],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == (ROWS, [])


def test_columns_of_other_names_formats_and_pools(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "sku\n7\n7.0\n")
    options = {"maps": ["artwork_id=sku"], "artwork_format": "a{:04d}", "pool": "main", "file_format": "csv"}
    good, bad = read(path, **options)
    assert good == [{"artwork_id": "a0007", "pool_id": "main"}]
    assert len(bad) == 1


def test_a_bad_row_is_named_with_its_field_and_the_others_are_read(tmp_path: Path) -> None:
    rows = ["a1,main,", "a 2,main,", ",main,", "a4,p q,", f"a5,main,{T // 1000}", "a6,main", "a7,main,", "NULL,main,"]
    good, bad = read(written(tmp_path / "a.csv", "artwork_id,pool_id,created_at\n" + "\n".join(rows)))
    assert [row["artwork_id"] for row in good] == ["a1", "a7"]
    assert [line.split(":")[1:3] for line in bad] == [
        ["3", " artwork_id"],
        ["4", " artwork_id"],
        ["5", " pool_id"],
        ["6", " created_at"],
        ["7", " 2 columns, the header has 3"],
        ["9", " artwork_id"],
    ]


def test_dna_that_no_record_can_hold_is_a_bad_row(tmp_path: Path) -> None:
    long = '{"artwork_id":"a1","pool_id":"main","dna":[' + ",".join(["0.123456789"] * 100_000) + "]}\n"
    assert "too many for a record" in read(written(tmp_path / "a.ndjson", long))[1][0]


def test_columns_that_no_field_is_read_from_are_known(tmp_path: Path) -> None:
    options = LoadOptions.parse()
    list(read_file(written(tmp_path / "a.csv", CSV), options.columns))
    assert options.columns.ignored == ["title"]


def test_the_words_for_no_value_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "artwork_id,pool_id\na1,NA\na2,-\n")
    assert read(path, no_value=["-"])[0] == [{"artwork_id": "a1", "pool_id": "NA"}, {"artwork_id": "a2"}]


def test_a_file_of_impressions_is_not_a_catalogue(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="impressions produce"):
        read(written(tmp_path / "a.ndjson", line()))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({}, "no column for artwork_id: it has id, pool; say --map artwork_id=COLUMN", id="no id"),
        pytest.param({"maps": ["artwork_id=sku"]}, "no column for artwork_id", id="no such column"),
        pytest.param({"maps": ["user_id=id"]}, "user_id is not a field of an artwork", id="another field"),
        pytest.param({"maps": ["artwork_id"]}, "FIELD=COLUMN", id="no column named"),
        pytest.param({"maps": ["artwork_id=id", "artwork_id=pool"]}, "twice", id="twice"),
        pytest.param({"pool": "a b"}, "an id is", id="no pool"),
        pytest.param({"artwork_format": "a"}, "format for an id", id="no format"),
        pytest.param({"time_unit": "h"}, "--time-unit takes s, ms, us, ns", id="no unit"),
        pytest.param({"file_format": "xlsx"}, "--format takes csv", id="no file format"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_to_say(tmp_path: Path, options: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        read(written(tmp_path / "a.csv", "id,pool\na1,main\n"), **options)
    assert "\n" not in str(raised.value)
