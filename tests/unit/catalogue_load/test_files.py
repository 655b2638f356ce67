"""Files of artworks in every format: which rows they give, and which rows are bad, by name."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.catalogue_load import csvfile, files
from streams.catalogue_load.files import Table
from streams.catalogue_load.options import LoadOptions
from streams.errors import UserError
from tests.support.flushes import line

T = 1_732_431_599_000
CSV = f'artwork_id,pool_id,created_at,retired,dna,title\na1,main,{T},,,Blue\na2,side,,true,"[1, 2]",NA\n'
ROWS = [
    {"artwork_id": "a1", "pool_id": "main", "created_at": T},
    {"artwork_id": "a2", "pool_id": "side", "retired": True, "dna": b"[1.0,2.0]"},
]


def read(path: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows and the bad ones of a file."""
    rows = list(table(path, **options).rows())
    return [row.fields for row in rows if not row.bad], [f"{row.number}: {row.bad}" for row in rows if row.bad]


def table(path: Path, **options: Any) -> Table:
    parsed = LoadOptions.parse(**options)
    return Table(path, parsed.columns, parsed.file_format, parsed.delimiter)


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
    path = written(tmp_path / "a.txt", "sku\n7\nx\n")
    options = {"maps": ["artwork_id=sku"], "artwork_format": "a{:04d}", "pool": "main", "file_format": "csv"}
    good, bad = read(path, **options)
    assert good == [{"artwork_id": "a0007", "pool_id": "main"}]
    assert len(bad) == 1


def test_a_bad_row_is_named_with_its_field_and_the_others_are_read(tmp_path: Path) -> None:
    rows = ["a1,main,", "a 2,main,", ",main,", "a4,p q,", f"a5,main,{T // 1000}", "a6,main", "a7,main,", "NULL,main,"]
    good, bad = read(written(tmp_path / "a.csv", "artwork_id,pool_id,created_at\n" + "\n".join(rows)))
    assert [row["artwork_id"] for row in good] == ["a1", "a7"]
    assert [line.split(":")[:2] for line in bad] == [
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
    one = table(written(tmp_path / "a.csv", CSV))
    assert len(list(one.rows())) == 2
    assert list(one.ignored) == ["title"]


QUOTES = [f"a{n},main,title {n}" for n in range(10)]


def titled(tmp_path: Path, *rows: str) -> tuple[list[str], list[str]]:
    """Return the ids, and the bad rows, of a file with a column of titles."""
    good, bad = read(written(tmp_path / "a.csv", "\n".join(["artwork_id,pool_id,title", *rows, ""])))
    return [row["artwork_id"] for row in good], bad


def test_a_title_may_have_line_feeds_quotes_and_commas(tmp_path: Path) -> None:
    rows = ['a1,main,"a ""title"", with', "", 'three lines"', "a2,main,two"]
    assert titled(tmp_path, *rows) == (["a1", "a2"], [])


def test_a_quote_that_is_never_closed_swallows_no_row(tmp_path: Path) -> None:
    ids = [f"a{n}" for n in range(10)]
    assert titled(tmp_path, 'x,main,"open', *QUOTES) == (ids, ["2: a quote is opened and not closed"])
    # One that another quote closes: the rows between are not lost in silence either.
    good, (bad,) = titled(tmp_path, 'x,main,"open', *QUOTES, 'y,main,"closed"', "z,main,")
    assert (good, bad.split(":")[0]) == ([*ids, "y", "z"], "2")
    good, (bad,) = titled(tmp_path, 'x,main,"open', *QUOTES, 'closed"', "z,main,")
    assert (good, bad) == (["z"], "2: a quote goes over 11 lines, of which some are rows themselves")


def test_what_is_too_long_is_a_bad_row_and_the_next_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "MOST_CHARACTERS", 100)
    monkeypatch.setattr(files, "MOST_LINE_BYTES", 100)
    assert titled(tmp_path, f"x,main,{'x' * 1_000}", "a1,main,") == (["a1"], ["2: a line of more than 100 characters"])
    lines = f'{{"artwork_id":"x","pool_id":"{"p" * 1_000}"}}\n{{"artwork_id":"a1"}}\n'
    good, bad = read(written(tmp_path / "a.ndjson", lines))
    assert (good, bad) == ([{"artwork_id": "a1"}], ["1: a line of more than 100 bytes"])


def test_integers_beyond_64_bits_are_ids_of_their_own(tmp_path: Path) -> None:
    numbers = [2**64 + n for n in range(3)]
    lines = "".join(f'{{"artwork_id":{number},"pool_id":"p"}}\n' for number in numbers)
    assert [row["artwork_id"] for row in read(written(tmp_path / "a.ndjson", lines))[0]] == [str(n) for n in numbers]


def test_lines_that_are_no_objects_are_bad_rows(tmp_path: Path) -> None:
    lines = b'[1]\n{"artwork_id":\n\n{"artwork_id":"a1"}\n{"artwork_id":"a\xff"}\n'
    good, bad = read(written(tmp_path / "a.ndjson", lines))
    assert (good, [line.split(":")[0] for line in bad]) == ([{"artwork_id": "a1"}], ["1", "2", "5"])


def test_a_file_of_semicolons_is_read_with_the_option_that_the_error_names(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "artwork_id;pool_id\na1;main\n")
    with pytest.raises(UserError, match=r"or --delimiter ';'"):
        read(path)
    assert read(path, delimiter=";")[0] == [{"artwork_id": "a1", "pool_id": "main"}]
    assert read(written(tmp_path / "a.tsv", "artwork_id\tpool_id\na1\tmain\n"))[0] == read(path, delimiter=";")[0]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("a.csv", b"", "no line with the names", id="empty"),
        pytest.param("a.csv", "artwork_id\na1\n".encode("utf-16"), "is UTF-16", id="utf-16"),
        pytest.param("a.csv.gz", gzip.compress(CSV.encode())[:-9], "damaged", id="cut off"),
        pytest.param("a.csv.gz", b"no gzip", "can't be read", id="not gzipped"),
        pytest.param("a.parquet", b"no parquet", "not a readable Parquet file", id="not parquet"),
        pytest.param("a.csv", b"artwork_id,pool_id,pool_id\n", "two columns of the name pool_id", id="twice"),
        pytest.param("a.xlsx", b"", "what format is it", id="format"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        read(written(tmp_path / name, content))
    assert "\n" not in str(raised.value)


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
        pytest.param({"delimiter": "::"}, "--delimiter takes one character", id="no delimiter"),
        pytest.param({"file_format": "xlsx"}, "--format takes csv", id="no file format"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_to_say(tmp_path: Path, options: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as raised:
        read(written(tmp_path / "a.csv", "id,pool\na1,main\n"), **options)
    assert "\n" not in str(raised.value)
