"""Parquet: what the types say, nested columns, and values that can't be read."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UserError
from tests.unit.produce.play import dry_run

AT = 1_700_000_000_000


def table(path: Path, rows: int = 1, **columns: Any) -> Path:
    given = {"user_id": ["u1"] * rows, "artwork_id": ["a1"] * rows, "seen_at": [AT] * rows, **columns}
    pq.write_table(pa.table(given), path)
    return path


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pa.array([date(2024, 1, 31)]), 1_706_659_200_000),
        (pa.array([AT], pa.timestamp("ms")).dictionary_encode(), AT),
        (pa.array([AT // 1000], pa.int32()), AT),
        (pa.array([AT * 1_000_000 + 999_999], pa.timestamp("ns")), AT),
        (pa.array([str(AT)]), AT),
    ],
)
def test_times_of_many_types(tmp_path: Path, times: Any, expected: int) -> None:
    assert [row.seen_at for row in dry_run(table(tmp_path / "f.parquet", seen_at=times)).rows] == [expected]


def test_old_96_bit_times_do_not_overflow(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    times = pa.array([AT * 1000, 253_402_214_400_000_000], pa.timestamp("us"))  # the year 9999 stands for never
    columns = {"user_id": ["u1", "u2"], "artwork_id": ["a", "a"], "seen_at": times}
    pq.write_table(pa.table(columns), path, use_deprecated_int96_timestamps=True)
    played = dry_run(path)
    assert [row.seen_at for row in played.rows] == [AT]
    assert played.bad == ["f.parquet:2: seen_at: a time from 1970 to 2286 is expected"]


def test_only_times_without_a_zone_are_in_the_zone_that_is_named(tmp_path: Path) -> None:
    bare, zoned = pa.array([AT], pa.timestamp("ms")), pa.array([AT], pa.timestamp("ms", tz="UTC"))
    found = [
        dry_run(table(tmp_path / "f.parquet", seen_at=times), time_zone="Asia/Shanghai").rows[0].seen_at
        for times in (bare, zoned)
    ]
    assert found == [AT - 8 * 3_600_000, AT]


@pytest.mark.parametrize("value", [time(12), timedelta(days=1), b"\0\1", [1], {"a": 1}, True])
def test_a_value_of_a_type_that_is_no_time_is_a_bad_row(tmp_path: Path, value: Any) -> None:
    played = dry_run(table(tmp_path / "f.parquet", seen_at=pa.array([value])))
    assert (played.rows, len(played.bad)) == ([], 1)


def test_floats_are_ids_as_long_as_they_are_exact(tmp_path: Path) -> None:
    wide = table(tmp_path / "wide.parquet", 2, user_id=[float(2**53), float(2**53 + 2)])
    narrow = table(tmp_path / "narrow.parquet", 2, user_id=pa.array([2.0**24, 2.0**24 + 2], pa.float32()))
    assert (dry_run(wide).users, dry_run(narrow).users) == ([str(2**53)], [str(2**24)])
    assert "has lost its last digits" in dry_run(wide).bad[0]
    assert "has lost its last digits" in dry_run(narrow).bad[0]


def test_fields_are_read_from_structs_maps_lists_and_json(tmp_path: Path) -> None:
    path = table(
        tmp_path / "f.parquet",
        struct=[{"user": "u7", "x.y": 1}],
        map=pa.array([[("artwork", "a7"), ("other", "x")]], pa.map_(pa.string(), pa.string())),
        params=[[{"key": "place", "value": {"string_value": None, "int_value": 7}}]],
        text=['{"session": {"id": "s7"}}'],
    )
    maps = ["user_id=struct.user", "artwork_id=map.artwork", "position=params.place", "session_id=text.session.id"]
    (row,) = dry_run(path, maps=maps).rows
    assert (row.user_id, row.session_id, row.fields["artwork_id"], row.fields["position"]) == ("u7", "s7", "a7", 7)


def test_a_value_that_the_library_can_not_read_is_one_bad_row(tmp_path: Path) -> None:
    inner = pa.array([AT, 2**62, AT], pa.timestamp("ms"))
    path = table(tmp_path / "f.parquet", 3, seen_at=["x"] * 3, t=pa.StructArray.from_arrays([inner], ["at"]))
    played = dry_run(path, maps=["seen_at=t.at"])
    assert [row.number for row in played.rows] == [1, 3]
    assert len(played.bad) == 1


def test_columns_of_one_name_are_refused_only_if_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    columns = [pa.array(["u1"]), pa.array(["a1"]), pa.array([AT]), pa.array(["x"]), pa.array(["y"])]
    pq.write_table(pa.Table.from_arrays(columns, ["user_id", "artwork_id", "seen_at", "id", "id"]), path)
    assert dry_run(path).users == ["u1"]
    with pytest.raises(UserError, match="two columns of the name id"):
        dry_run(path, maps=["impression_id=id"])


def test_many_batches_and_row_groups_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    count = 25_000
    columns = {"user_id": [f"u{n}" for n in range(count)], "artwork_id": ["a"] * count, "seen_at": [AT] * count}
    pq.write_table(pa.table(columns), path, row_group_size=7_000)
    played = dry_run(path)
    assert (len(set(played.users)), played.rows[-1].number) == (count, count)
