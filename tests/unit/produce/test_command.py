"""`impressions produce --dry-run FILE`, as a person types it."""

from pathlib import Path

import pytest

from streams import cli
from streams.produce.presets import PRESETS
from tests.unit.produce.play import write

AT = 1_700_000_000_000
TEXT = f"user_id,artwork_id,seen_at,surface\nu1,a1,{AT},home\n"


def produce(
    path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Run the command; return how it ended and what it said."""
    monkeypatch.setattr("sys.argv", ["impressions", "produce", "--dry-run", str(path), *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return int(ended.value.code or 0), printed.out + printed.err


@pytest.mark.parametrize(
    ("name", "content", "arguments"),
    [
        pytest.param("f.csv", TEXT, [], id="none"),
        pytest.param("f.csv", TEXT.replace(",", ";"), ["--delimiter", ";"], id="delimiter"),
        pytest.param("f.csv", TEXT.replace(",", "\t"), ["--delimiter", "tab"], id="tab"),
        pytest.param("f.csv", TEXT.encode("utf-16"), ["--encoding", "utf-16"], id="encoding"),
        pytest.param("f.csv", TEXT.replace("home", "'a,b'"), ["--quote", "'", "--map", "surface="], id="quote"),
        pytest.param("f.csv", TEXT.split("\n")[1], ["--header", "user_id,artwork_id,seen_at,surface"], id="header"),
        pytest.param("f.csv", TEXT.replace("home", "-"), ["--null", "-"], id="null"),
        pytest.param("f.csv", TEXT.replace(str(AT), "5"), ["--time-unit", "s"], id="unit"),
        pytest.param("f.csv", TEXT.replace(str(AT), "24013115"), ["--time-format", "%y%m%d%H"], id="time format"),
        pytest.param("f.csv", TEXT.replace(str(AT), "2024-01-31"), ["--time-zone", "Asia/Shanghai"], id="zone"),
        pytest.param(
            "f.csv", TEXT.replace(str(AT), "5"), ["--time-unit", "ms", "--time-origin", "2016-06-14"], id="origin"
        ),
        pytest.param("f.csv", TEXT, ["--where", "surface=home"], id="where"),
        pytest.param("f.csv", f"uuid,document_id,timestamp\nu,7,{5}\n", ["--preset", "outbrain"], id="preset"),
        pytest.param(
            "f.ndjson",
            [{"p": {"u": "u1"}, "artwork_id": "a1", "seen_at": AT}],
            ["--map", "user_id=p.u"],
            id="map of a path",
        ),
        pytest.param(
            "f.csv",
            TEXT.replace("u1", "me@x.org").replace("home", "the home"),
            ["--encode", "user_id", "--encode", "surface"],
            id="encode",
        ),
        pytest.param("f.txt", TEXT, ["--format", "csv"], id="format"),
    ],
)
def test_each_option_reaches_the_file(
    name: str,
    content: object,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write(tmp_path / name, content)  # type: ignore[arg-type] # each case is one that it takes
    code, said = produce(path, arguments, monkeypatch, capsys)
    assert (code, "1 rows read, 0 bad, 0 other events" in said) == (0, True), said


def test_the_help_names_every_preset(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = produce(Path("f.csv"), ["--help"], monkeypatch, capsys)
    assert code == 0
    assert f"A log that people have: {', '.join(PRESETS)}. " in " ".join(said.split())


@pytest.mark.parametrize(
    ("content", "arguments", "code", "says"),
    [
        (TEXT + "u2,,1,x\n", [], 1, "2 rows read, 1 bad, 0 other events, 0 bytes skipped"),
        (TEXT + "u2,,1,x\n", ["--strict"], 2, "f.csv:3: artwork_id: missing. Nothing was sent."),
        (TEXT, ["--where", "surface=work"], 0, "1 rows read, 0 bad, 1 other events (not matching --where 1)"),
        (TEXT, ["--where", "surface"], 2, "--where takes COLUMN=VALUE"),
        (TEXT, ["--preset", "nobody"], 2, "--preset takes ga4, bigquery, "),
        (TEXT, ["--delimiter", "||"], 2, "--delimiter takes one character"),
        (TEXT, ["--quote", "''"], 2, "--quote takes one character"),
        (TEXT, ["--encoding", "klingon"], 2, "--encoding takes the name of an encoding"),
        (TEXT, ["--time-zone", "Mars/Olympus"], 2, "--time-zone takes the name of a zone"),
        (TEXT, ["--time-format", "iso"], 2, "--time-format takes a format"),
        (TEXT, ["--time-format", "%Y", "--time-unit", "s"], 2, "say one of them"),
        (TEXT, ["--time-unit", "h"], 2, "--time-unit takes auto, s, ms, us, ns"),
        (TEXT, ["--time-origin", "soon", "--time-unit", "s"], 2, "--time-origin takes a time as"),
        (TEXT, ["--encode", "seen_at"], 2, "--encode takes user_id, artwork_id, "),
        (TEXT + f"me@x.org,a,{AT},x\n", [], 1, "(--encode FIELD makes one of any text)"),
        (TEXT, ["--map", "user_id="], 2, "user_id can't be left out"),
    ],
)
def test_how_it_ends(
    content: str,
    arguments: list[str],
    code: int,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, said = produce(write(tmp_path / "f.csv", content), arguments, monkeypatch, capsys)
    assert found == code
    assert says in said
