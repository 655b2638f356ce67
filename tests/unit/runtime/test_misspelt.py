"""A variable that looks like a setting and is none is found, with the nearest one."""

import pytest

from streams.runtime.misspelt import unknown
from streams.settings import Settings


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("IMPRESSIONS_DATADIR", "IMPRESSIONS_DATA_DIR"),
        ("IMPRESSIONS_KAFKA_BOOTSTRAP_SERVERS", "IMPRESSIONS_KAFKA_BOOTSTRAP"),
        ("IMPRESSIONS_LATENES_SECONDS", "IMPRESSIONS_LATENESS_SECONDS"),
        ("IMPRESSIONS_CLICKHOUSE_PASSWORT", "IMPRESSIONS_CLICKHOUSE_PASSWORD"),
        ("impressions_log_lvl", "IMPRESSIONS_LOG_LEVEL"),
        ("IMPRESSIONS_QQQ", ""),
    ],
)
def test_a_misspelt_variable_is_found_with_the_nearest_real_one(variable: str, nearest: str) -> None:
    assert unknown(["PATH", "IMPRESSION_LOG", "IMPRESSIONS_LOG_LEVEL", variable]) == {variable: nearest}


def test_every_real_variable_is_known_in_any_case() -> None:
    names = Settings.variables().values()
    assert unknown([*names, *(name.lower() for name in names)]) == {}
