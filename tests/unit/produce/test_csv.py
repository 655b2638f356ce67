"""CSV as people have it: quotes, preambles, delimiters, encodings, columns."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import UserError
from streams.produce import source
from tests.unit.produce.play import dry_run, write

AT = 1_700_000_000_000
HEADER = "user_id,artwork_id,seen_at,title"


def rows(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *lines, ""])


def good(n: int, title: str = "Dusk") -> str:
    return f"u{n},a{n},{AT + n},{title}"


@pytest.mark.parametrize(
    "later",
    [
        pytest.param([good(3), good(4), good(5, '"Dawn"'), good(6)], id="a field with quotes follows"),
        pytest.param([good(3), good(4), good(5, '""'), good(6)], id="an empty field with quotes follows"),
        pytest.param([good(3), good(4), good(5, '"'), good(6)], id="another one is opened at a line's end"),
        pytest.param([good(3, '"'), good(4), good(5), good(6)], id="in the next line, too"),
        pytest.param([good(3), good(4), good(5), good(6)], id="nothing follows"),
    ],
)
def test_a_quote_that_is_not_closed_costs_its_own_line_and_no_other(tmp_path: Path, later: list[str]) -> None:
    played = dry_run(write(tmp_path / "f.csv", rows(good(1), good(2, '"Sunset'), *later)))
    expected = {f"u{n}" for n, line in zip((1, 3, 4, 5, 6), [good(1), *later], strict=True) if not line.endswith(',"')}
    assert set(played.users) == expected
    assert played.tally.rows == 6
    assert played.tally.bad == 6 - len(expected)
    assert played.bad[0].startswith("f.csv:3: a quote ") or "expected after" in played.bad[0]


def test_a_quote_in_the_first_field_swallows_no_row_either(tmp_path: Path) -> None:
    played = dry_run(write(tmp_path / "f.csv", rows(good(1), '"' + good(2), good(3), good(4), good(5, '"Dawn"'))))
    assert played.users == ["u1", "u3", "u4", "u5"]


def test_a_field_may_hold_lines_commas_and_quotes(tmp_path: Path) -> None:
    title = '"Dusk,\r\nor ""Dawn"",\nwho knows"'
    played = dry_run(write(tmp_path / "f.csv", rows(good(1), good(2, title), good(3, '5" high'))))
    assert [(row.user_id, row.number) for row in played.rows] == [("u1", 2), ("u2", 3), ("u3", 6)]
    assert played.code == 0


def test_lines_in_a_field_that_are_rows_are_never_swallowed_even_if_they_were_meant(tmp_path: Path) -> None:
    played = dry_run(write(tmp_path / "f.csv", rows(good(1, f'"see\n{good(2)}\n{good(3)}\n"'))))
    assert played.users == ["u2", "u3"]
    assert played.bad[0] == "f.csv:2: a quote that is not closed in its line"


@settings(deadline=None)  # a busy machine is not a counterexample
@given(st.lists(st.sampled_from(['"x', 'x"', '"x"', '""', '"', "x", '"a\nb"', 'a"b', '"a""b"', ""]), max_size=12))
def test_no_row_is_lost_whatever_quotes_there_are(tmp_path_factory: pytest.TempPathFactory, titles: list[str]) -> None:
    path = tmp_path_factory.mktemp("quotes") / "f.csv"
    played = dry_run(write(path, rows(*(good(n, title) for n, title in enumerate(titles)))))
    lines = {n: title for n, title in enumerate(titles)}
    sound = {f"u{n}" for n, title in lines.items() if title in ("x", '"x"', '""', 'x"', 'a"b', '"a""b"', "")}
    assert sound <= set(played.users)  # what is well formed on its own line is there
    assert played.tally.impressions + played.tally.bad >= len(titles)
    assert len(set(played.users)) == len(played.users)


def test_without_quotes_a_quote_is_a_character(tmp_path: Path) -> None:
    text = rows(good(1, '"'), good(2, 'a"b'), good(3, '"x')).replace(",", "\t")
    played = dry_run(write(tmp_path / "f.tsv", text), quote="none")
    assert played.users == ["u1", "u2", "u3"]


def test_another_quote_can_be_named(tmp_path: Path) -> None:
    played = dry_run(write(tmp_path / "f.csv", rows(good(1, "'a,b'"), good(2, "'it''s'"))), quote="'")
    assert played.users == ["u1", "u2"]


def test_a_line_above_the_limit_is_one_bad_row_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MOST_LINE", 100)
    path = write(tmp_path / "f.csv", rows(good(1), good(2, "x" * 1000), good(3), good(4, '"' + "x" * 1000), good(5)))
    played = dry_run(path)
    assert played.users == ["u1", "u3", "u5"]
    assert [bad.split(": ")[1].split(" above")[0] for bad in played.bad] == ["a line", "a line"]


@pytest.mark.parametrize(
    ("preamble", "delimiter"),
    [
        ("# exported by hand\n# 2024\n\n", ","),
        ("All impressions\n\nfrom,to\n2024-01-01,2024-01-31\n\n", ","),
        ('"Report, with a comma"\n', ","),
        ("sep=;\n", ";"),
        ("sep=\t\r\n", "\t"),
        ("\n\n", ","),
        ("\ufeff", ","),
    ],
)
def test_a_preamble_is_skipped_and_its_bytes_are_counted(tmp_path: Path, preamble: str, delimiter: str) -> None:
    path = write(tmp_path / "f.csv", preamble + rows(good(1), "", good(2)).replace(",", delimiter))
    played = dry_run(path)
    assert (played.users, played.code) == (["u1", "u2"], 0)
    assert played.tally.skipped_bytes == len(preamble.encode()) + 1
    assert f"{len(preamble.encode()) + 1} bytes skipped" in played.said


@pytest.mark.parametrize(
    ("encoding", "given"),
    [
        *(("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "UTF-16BE"), ("utf-32", "utf-32")),
        *(("utf-8-sig", "utf-8"), ("cp1252", "cp1252"), ("latin-1", "iso-8859-1"), ("shift_jis", "shift_jis")),
    ],
)
def test_an_encoding_that_is_named_is_read(tmp_path: Path, encoding: str, given: str) -> None:
    title = "\u591c" if encoding == "shift_jis" else "Mus\xe9e"
    path = write(tmp_path / "f.csv", rows(good(1, title), good(2, f'"{title}\n{title}"'), end="\r\n").encode(encoding))
    played = dry_run(path, encoding=given)
    assert (played.users, played.code) == (["u1", "u2"], 0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (rows(good(1)).encode("utf-16-le"), "say --encoding utf-16-le"),
        (rows(good(1)).encode("utf-32"), "is not UTF-8 but UTF-32: say --encoding utf-32"),
        (b"PK\x03\x04rest", "is a zip archive: unpack it first"),
        (b"PAR1rest", "is a Parquet file: say --format parquet"),
        (b"\x28\xb5\x2f\xfdrest", "is compressed with zstd"),
    ],
)
def test_what_is_not_utf_8_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says):
        dry_run(write(tmp_path / "f.csv", data))


def test_bytes_in_another_encoding_harm_only_ids_and_the_option_is_named(tmp_path: Path) -> None:
    text = rows(good(1, "Mus\xe9e"), f"\xe9,a,{AT},x").encode("latin-1")
    played = dry_run(write(tmp_path / "f.csv", text))
    assert played.users == ["u1"]
    assert played.bad == ["f.csv:3: user_id: bytes that are not UTF-8 (--encoding names another encoding)"]


def test_text_that_is_not_in_the_named_encoding_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", rows(good(1)).encode("utf-16-le") + b"\0")
    with pytest.raises(UserError, match="is not text in utf-16-le after line 2: --encoding"):
        dry_run(path, encoding="utf-16-le")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_text_without_the_mark_that_an_encoding_needs_is_refused(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "f.csv", rows(good(1)).encode(f"{encoding}-be"))
    with pytest.raises(
        UserError, match=f"is not text in {encoding} after line 0: .*; {encoding}-le and -be need no mark"
    ):
        dry_run(path, encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-99", "hex", "idna", "rot13", ""])
def test_a_name_that_is_no_encoding_of_text_is_refused(encoding: str) -> None:
    with pytest.raises(UserError, match="--encoding takes the name of an encoding"):
        source.check_encoding(encoding)


def test_zero_bytes_that_a_crash_left_are_one_bad_row(tmp_path: Path) -> None:
    played = dry_run(write(tmp_path / "f.csv", rows(good(1), good(2)) + "\0" * 20))
    assert (played.users, len(played.bad)) == (["u1", "u2"], 1)


@pytest.mark.parametrize("packed", [True, False])
def test_a_gzipped_file_is_read_whatever_it_is_called(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path / "f.csv.gz", rows(good(1)))
    if not packed:
        path = path.rename(tmp_path / "f.csv")
    assert dry_run(path).users == ["u1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(tmp_path: Path, end: str) -> None:
    played = dry_run(write(tmp_path / "f.csv", rows(good(1), good(2), end=end).removesuffix(end)))
    assert (played.users, played.code) == (["u1", "u2"], 0)


def test_names_may_be_padded_and_empty_and_columns_may_be_tabs(tmp_path: Path) -> None:
    text = f"\tuser_id \t artwork_id\tseen_at\t\n0\tu1 \t a1\t{AT}\t\n"
    played = dry_run(write(tmp_path / "f.tsv.gz", text))
    assert (played.users, played.artworks) == (["u1"], ["a1"])


def test_a_file_without_names_is_read_by_header(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"u1,x,a1,{AT}\nu2,x,a2,{AT}\n")
    with pytest.raises(UserError, match="or --header NAMES if the file has no line of names"):
        dry_run(path)
    assert dry_run(path, header="user_id,,artwork_id,seen_at").users == ["u1", "u2"]
    with pytest.raises(UserError, match="has no column for seen_at"):
        dry_run(path, header="user_id,,artwork_id,x")


def test_a_quote_that_is_not_closed_in_the_line_of_names_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"f.csv:2: a quote is opened and not closed .*; the names"):
        dry_run(write(tmp_path / "f.csv", "\n" + rows(good(1), header=HEADER.replace("title", '"title'))))


def test_a_file_that_has_the_names_of_header_after_all_is_read_without_them(tmp_path: Path) -> None:
    played = dry_run(write(tmp_path / "f.csv", rows(good(1))), header=HEADER)
    assert (played.users, played.bad, played.tally.skipped_bytes) == (["u1"], [], len(HEADER) + 1)


def test_a_column_that_does_not_fit_can_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"user_id,artwork_id,seen_at,position\nu1,a1,{AT},top left\n")
    assert dry_run(path).bad == ["f.csv:2: position: a whole number is expected"]
    assert dry_run(path, maps=["position="]).users == ["u1"]


def test_clicks_are_not_taken_for_impressions(tmp_path: Path) -> None:
    text = rows(f"u1,a1,{AT},seen", f"u1,a1,{AT},clicked", header="user_id,artwork_id,seen_at,event_type")
    path = write(tmp_path / "f.csv", text)
    with pytest.raises(UserError, match=r"several kinds .* seen and clicked: .* --where event_type=seen"):
        dry_run(path)
    played = dry_run(path, where=["event_type=seen"])
    assert (len(played.rows), dict(played.tally.others), played.code) == (1, {"clicked": 1}, 0)
    assert len(dry_run(path, where=["event_type=seen,clicked"]).rows) == 2
