"""Files that failed, each with its right value: what people met in other tools, made small."""

import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UserError
from tests.unit.produce.play import dry_run, write

AT = 1_700_000_000_000
HEADER = "user_id,artwork_id,seen_at"


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_a_quote_that_is_never_closed_costs_one_of_52_rows(tmp_path: Path) -> None:
    lines = [f"u{n},a{n},{AT + n},Dusk" for n in range(1, 53)]
    lines[1] = f'u2,a2,{AT},"Sunset'
    played = dry_run(write(tmp_path / "f.csv", "\n".join([f"{HEADER},title", *lines, ""])))
    assert played.users == [f"u{n}" for n in range(1, 53) if n != 2]
    assert played.bad == ["f.csv:3: a quote is opened and not closed (--quote none takes quotes as characters)"]
    assert "52 rows read, 1 bad" in played.said
    assert played.code == 1


def test_integers_beyond_64_bits_are_four_users(tmp_path: Path) -> None:
    users = ["123456789012345678901", "123456789012345678902", "9007199254740993.0", "18446744073709551615"]
    lines = [f'{{"user_id":{user},"artwork_id":"a1","seen_at":{AT}}}' for user in users]
    played = dry_run(write(tmp_path / "f.ndjson", "\n".join(lines)))
    assert played.users == [user.removesuffix(".0") for user in users]
    assert played.code == 0


def test_words_for_no_value_are_absent_users_by_a_list_that_an_option_changes(tmp_path: Path) -> None:
    words = ["NULL", "NA", "nan", "None", "null", r"\N", "N/A", "<NA>", "NaN", "undefined"]
    path = write(tmp_path / "f.csv", f"{HEADER},dwell_ms\n" + "".join(f"{word},a1,{AT},12\n" for word in words))
    played = dry_run(path)
    assert played.bad == [
        f"f.csv:{n}: user_id: missing ({word} is a word for no value; --null names others)"
        for n, word in enumerate(words, 2)
    ]
    played = dry_run(path, null=["NA", "nobody"])
    assert played.users == ["NULL", "nan", "None", "null", "NaN", "undefined"]
    assert played.bad[0] == "f.csv:3: user_id: missing (NA is a word for no value; --null names others)"


def test_a_word_for_no_value_in_an_optional_column_is_absent(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER},dwell_ms\nu,a,{AT},NULL\nu,a,{AT},\nu,a,{AT},12\n")
    played = dry_run(path)
    assert [row.fields.get("dwell_ms") for row in played.rows] == [None, None, 12]


def test_nan_in_an_optional_column_is_absent(tmp_path: Path) -> None:
    nan = float("nan")
    path = parquet(
        tmp_path / "f.parquet",
        user_id=["u1", "u2"],
        artwork_id=["a1", "a2"],
        seen_at=[AT, AT],
        visible=[nan, 0.5],
        dwell_ms=[nan, 5.0],
    )
    played = dry_run(path)
    assert [(row.fields.get("visible"), row.fields.get("dwell_ms")) for row in played.rows] == [(None, None), (0.5, 5)]
    path = write(tmp_path / "f.ndjson", f'{{"user_id":"u","artwork_id":"a","seen_at":{AT},"dwell_ms":NaN}}\n')
    assert "dwell_ms" not in dry_run(path).rows[0].fields


@pytest.mark.parametrize("name", ["f.csv", "f.ndjson", "f.parquet"])
def test_14_0_and_14_are_one_user_and_one_artwork(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "f.csv":
        write(path, f"{HEADER}\n14.0,7,{AT}\n14,7.0,{AT}\n")
    elif name == "f.ndjson":
        write(path, [{"user_id": n, "artwork_id": m, "seen_at": AT} for n, m in ((14.0, 7), (14, "7.0"))])
    else:
        parquet(path, user_id=[14.0, 14.0], artwork_id=["7", "7.0"], seen_at=[AT, AT])
    played = dry_run(path)
    assert (played.users, played.artworks) == (["14", "14"], ["7", "7"])


AVAZU = (
    "id,hour,device_id,C14\n1000009418151094273,14102100,a99f214a,15706\n10000169349117863715,14102101,ddd2926e,15704\n"
)
AVAZU_MAPS = ("user_id=device_id", "artwork_id=C14", "seen_at=hour")


def test_digits_that_are_hours_are_refused_unless_the_format_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", AVAZU)
    with pytest.raises(UserError, match=r"f.csv:2: hour has 14102100, .* say --time-unit .* or --time-format "):
        dry_run(path, maps=AVAZU_MAPS)
    played = dry_run(path, maps=AVAZU_MAPS, time_format="%y%m%d%H")
    assert [row.seen_at for row in played.rows] == [1_413_849_600_000, 1_413_853_200_000]


OUTBRAIN = (
    "display_id,uuid,document_id,timestamp,platform,geo_location\n1,cb8c55702adb93,379743,61,3,US>SC>519\n"
    "2,79a85fa78311b9,1794259,81,2,US>CA>807\n23120126,aaaa,1,1295999990,2,US\n"
)
OUTBRAIN_MAPS = ("user_id=uuid", "artwork_id=document_id", "seen_at=timestamp")


def test_offsets_are_refused_unless_the_unit_and_the_origin_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", OUTBRAIN)
    with pytest.raises(UserError, match=r"f.csv:2: timestamp has 61, .* --time-origin"):
        dry_run(path, maps=OUTBRAIN_MAPS)
    played = dry_run(path, maps=OUTBRAIN_MAPS, time_unit="ms", time_origin="2016-06-14T03:59:59.998Z")
    assert [row.seen_at - 1_465_876_799_998 for row in played.rows] == [61, 81, 1_295_999_990]


def test_a_later_value_does_not_change_the_unit_of_a_column(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER}\nu,a,{AT}\nu,b,{AT // 1000}\n")
    with pytest.raises(UserError, match="seen_at mixes units"):
        dry_run(path)


def test_decimal_columns_are_ids_and_integers(tmp_path: Path) -> None:
    kind = pa.decimal128(38, 0)
    big = Decimal("12345678901234567890123")
    path = parquet(
        tmp_path / "f.parquet",
        user_id=pa.array([big, Decimal(7)], kind),
        artwork_id=pa.array([Decimal(1), Decimal(2)], kind),
        seen_at=pa.array([Decimal(AT), Decimal(AT)], pa.decimal128(38, 3)),
        dwell_ms=pa.array([Decimal(100), None], kind),
        visible=pa.array([Decimal("0.5"), None], pa.decimal128(3, 2)),
    )
    played = dry_run(path)
    assert played.users == [str(big), "7"]
    assert played.rows[0].seen_at == AT
    assert (played.rows[0].fields["dwell_ms"], played.rows[0].fields["visible"]) == (100, 0.5)


def test_uuid_columns_are_ids(tmp_path: Path) -> None:
    users = [uuid.UUID(int=n) for n in (16, 17)]
    stored = pa.array([user.bytes for user in users], pa.binary(16))
    for name, column in (("typed", pa.ExtensionArray.from_storage(pa.uuid(), stored)), ("plain", stored)):
        path = parquet(tmp_path / f"{name}.parquet", user_id=column, artwork_id=["a", "a"], seen_at=[AT, AT])
        assert dry_run(path).users == [str(user) for user in users]


@pytest.mark.parametrize("unit", ["ms", "us"])
def test_a_time_out_of_range_is_one_bad_row(tmp_path: Path, unit: str) -> None:
    far = pa.array([1, 2**62, 2], pa.timestamp(unit))
    path = parquet(tmp_path / "f.parquet", user_id=["u1", "u2", "u3"], artwork_id=["a"] * 3, seen_at=far)
    played = dry_run(path)
    assert played.users == ["u1", "u3"]
    assert played.bad == ["f.parquet:2: seen_at: a time from 1970 to 2286 is expected"]


def test_times_in_a_zone_that_is_none_are_read_as_utc(tmp_path: Path) -> None:
    for zone in ("Etc/Nowhere", "Europe/Berlin", "+05:30", "UTC"):
        times = pa.array([AT, None], pa.timestamp("ms", tz=zone))
        path = parquet(tmp_path / "f.parquet", user_id=["u1", "u2"], artwork_id=["a", "a"], seen_at=times)
        played = dry_run(path)
        assert [row.seen_at for row in played.rows] == [AT]
        assert played.bad == ["f.parquet:2: seen_at: missing"]


def test_events_of_a_mixed_log_are_read_and_the_others_counted(tmp_path: Path) -> None:
    def viewed(n: int) -> dict[str, Any]:
        return {"event": "$pageview", "user_id": f"u{n}", "seen_at": AT + n}

    def seen(n: int) -> dict[str, Any]:
        return {"event": "artwork_seen", "user_id": f"u{n}", "artwork_id": "a1", "seen_at": AT + n}

    lines = [*map(viewed, range(101)), *map(seen, range(5)), *map(viewed, range(101, 150))]
    played = dry_run(write(tmp_path / "f.ndjson", lines))
    assert played.users == [f"u{n}" for n in range(5)]
    assert "155 rows read, 0 bad, 150 other events ($pageview 150)" in played.said
    assert played.code == 0


def test_a_record_with_a_count_of_impressions_is_a_row(tmp_path: Path) -> None:
    lines = [{"user_id": f"u{n}", "artwork_id": "a1", "seen_at": AT, "impressions": n, "clicks": 0} for n in (1, 2)]
    assert dry_run(write(tmp_path / "f.ndjson", lines)).users == ["u1", "u2"]


def test_two_columns_of_one_name_that_nobody_asks_for_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"id,{HEADER},id,,\n1,u1,a1,{AT},9,,\n")
    assert dry_run(path).users == ["u1"]
    with pytest.raises(UserError, match="two columns of the name id"):
        dry_run(path, maps=["impression_id=id"])


def test_utf_16_is_read_by_encoding_and_otherwise_named(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER}\r\nu1,a1,{AT}\r\n".encode("utf-16"))
    with pytest.raises(UserError, match=r"is not UTF-8 but UTF-16: say --encoding utf-16"):
        dry_run(path)
    played = dry_run(path, encoding="utf-16")
    assert (played.users, played.tally.skipped_bytes) == (["u1"], 2)


def test_semicolons_are_read_by_delimiter_and_otherwise_named(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"user_id;artwork_id;seen_at;visible\nu1;a1;{AT};0,8\n")
    with pytest.raises(UserError, match="or --delimiter ';'"):
        dry_run(path)
    assert dry_run(path, delimiter=";").rows[0].fields["visible"] == 0.8


def test_nested_properties_are_read_by_map_and_otherwise_named(tmp_path: Path) -> None:
    properties = {"artwork_id": "a1", "position": 3}
    event = {"event": "artwork_seen", "distinct_id": "u1", "timestamp": "2024-01-31T15:30:45.123Z"}
    path = write(tmp_path / "f.ndjson", [{**event, "properties": properties}])
    with pytest.raises(UserError, match=r"properties.artwork_id, .*; say --map user_id=COLUMN .* or --preset posthog"):
        dry_run(path)
    maps = (
        "user_id=distinct_id",
        "artwork_id=properties.artwork_id",
        "seen_at=timestamp",
        "position=properties.position",
    )
    played = dry_run(path, maps=maps)
    assert (played.users, played.artworks, played.rows[0].fields["position"]) == (["u1"], ["a1"], 3)
