"""docs/operate/sizing.md is made from the results, and its arithmetic is what the page says it is."""

import re

import pytest

from streams.provision.topics_file import load
from streams.settings import Settings
from tools import sizing
from tools.evidence.results import load as measured

DAY = 144_000_000


def test_the_page_matches_the_results() -> None:
    assert sizing.PAGE.read_text() == sizing.page(), "run `make schemas`"
    assert "{" not in sizing.page()


def test_every_topic_with_records_is_counted() -> None:
    counted = set(sizing.an_impression().topics)
    # What is rejected, and the catalogue, don't grow with impressions that are accepted.
    assert set(load(Settings.model_construct())) - counted == {"impressions.rejected.v1", "artworks.v1"}
    assert {"impressions_raw", "ledger_raw"} <= set(sizing.an_impression().tables)


def test_topics_take_bytes_an_impression_times_impressions_times_days() -> None:
    run = measured("size")["runs"]["10"]
    a_day = {name: size / run["impressions"] * DAY for name, size in run["topics"].items()}
    kept = {"impressions.v1": 8, "impressions.accepted.v1": 8, "impressions.ledger.v1": 8, "coverage.v1": 1}
    assert sizing.disk(100_000).topics == pytest.approx(sum(a_day[name] * days for name, days in kept.items()))


def test_clickhouse_keeps_everything() -> None:
    tables = measured("size")["runs"]["10"]["tables"]
    count = measured("size")["runs"]["10"]["impressions"]
    most = sum(each["bytes"] for each in tables.values()) / count * DAY
    assert 0.9 * most < sizing.disk(100_000).clickhouse <= most


def test_state_is_what_the_recovery_bench_measured_of_a_day() -> None:
    day = measured("recovery")["day"][-1]
    assert sizing.window_bytes() * day["impressions"] == pytest.approx(day["sizes"]["windows_changelog"])
    assert sizing.seen_bytes() * 1_000_000 * 144 == pytest.approx(day["sizes"]["coverage_changelog"])


def test_ten_times_the_rate_takes_ten_times_the_disk_and_network() -> None:
    once, tenfold = sizing.disk(100_000), sizing.disk(1_000_000)
    assert [big / small for small, big in zip(once, tenfold, strict=True)] == pytest.approx([10] * 4)
    assert sum(sizing.network(1_000_000).values()) == pytest.approx(10 * sum(sizing.network(100_000).values()))


def test_cores_are_those_of_a_rate_that_was_held() -> None:
    assert sizing.cores(100_000)[1]["worker-0"] == measured("end_to_end")["base"]["cores"]["worker-0"]
    rate, _ = sizing.cores(1_000_000)
    assert 1_000_000 / 60 <= rate <= 29_081
    with pytest.raises(ValueError, match="no machine that was measured held 10,000,000"):
        sizing.cores(10_000_000)


def test_each_table_names_its_source() -> None:
    text = sizing.page()
    for name in ("size", "recovery", "end_to_end"):
        assert f"bench/results/{name}.json" in text
    assert re.search(r"\[.*\]\(\.\./evidence/", text)
