"""Presets: a small made sample of each log, as its documentation describes it."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import UserError
from streams.produce.fields import NULL_WORDS
from streams.produce.presets import PRESETS, look_alikes
from streams.produce.rows import Row
from streams.produce.snowplow import ENRICHED_COLUMNS
from tests.unit.produce.play import dry_run, write

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "produce.md"
AT = 1_706_715_045_123  # 2024-01-31T15:30:45.123Z


def told(row: Row) -> dict[str, Any]:
    """A row's fields but the ids that were derived."""
    found = {"user": row.user_id, "at": row.seen_at, "session": row.session_id, **row.fields}
    return {name: value for name, value in found.items() if value != "" and name != "impression_id"}


def param(key: str, **values: Any) -> dict[str, Any]:
    empty = {"string_value": None, "int_value": None, "float_value": None, "double_value": None}
    return {"key": key, "value": {**empty, **values}}


def item(name: str, place: str) -> dict[str, Any]:
    return {"item_id": name, "item_name": "Dusk", "item_list_id": "home", "item_list_index": place}


def ga4(number: Any) -> list[dict[str, Any]]:
    """GA4's events; BigQuery writes INT64 as text in JSON, and as an integer in Parquet."""
    event = {
        "event_date": "20240131",
        "event_timestamp": number(AT * 1000 + 7),
        "event_name": "view_item_list",
        "event_params": [param("page_title", string_value="Home"), param("ga_session_id", int_value=number(17))],
        "user_id": None,
        "user_pseudo_id": "1234567890.1690000000",
        "items": [item("a1", "1"), item("a2", "(not set)")],
    }
    return [
        {**event, "event_name": "page_view", "items": []},
        event,
        {**event, "user_id": "u7", "items": [item("a3", "3")]},
        {**event, "event_name": "select_item", "items": [item("a3", "3")]},
    ]


@pytest.mark.parametrize("name", ["events.json", "events.parquet"])
def test_ga4_is_each_item_of_a_list_that_was_viewed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("json"):
        write(path, ga4(str))
    else:
        pq.write_table(pa.Table.from_pylist(ga4(int)), path)
    played = dry_run(path, preset="ga4")
    shared = {"at": AT, "session": "17", "surface": "home"}
    assert [told(row) for row in played.rows] == [
        {"user": "1234567890.1690000000", **shared, "artwork_id": "a1", "position": 1},
        {"user": "1234567890.1690000000", **shared, "artwork_id": "a2"},
        {"user": "u7", **shared, "artwork_id": "a3", "position": 3},
    ]
    assert (dict(played.tally.others), played.code) == ({"page_view": 1, "select_item": 1}, 0)


def test_bigquery_is_a_table_with_integers_as_text_and_utc_behind_times(tmp_path: Path) -> None:
    row = {
        "user_id": "123456789012345678",
        "artwork_id": "7",
        "seen_at": "2024-01-31 15:30:45.123 UTC",
        "position": "2",
    }
    played = dry_run(write(tmp_path / "t.json.gz", [row]), preset="bigquery")
    assert [told(each) for each in played.rows] == [
        {"user": "123456789012345678", "at": AT, "artwork_id": "7", "position": 2}
    ]


def snowplow(**values: str) -> str:
    return "\t".join(values.get(name, "") for name in ENRICHED_COLUMNS)


def test_snowplow_is_each_ad_impression(tmp_path: Path) -> None:
    data = {"impressionId": "67965967893", "bannerId": "23", "zoneId": "7", "title": 'a "quote'}
    schema = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
    event = json.dumps({"schema": schema, "data": {"schema": "iglu:...", "data": data}})
    shared = {"event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb", "domain_userid": "bc2e92ec6c204a14"}
    times = {"dvce_created_tstamp": "2024-01-31 15:30:44.000", "derived_tstamp": "2024-01-31 15:30:45.123"}
    lines = [
        snowplow(event="page_view", event_name="page_view", page_title='"', **shared, **times),
        snowplow(event="unstruct", event_name="ad_impression", unstruct_event=event, **shared, **times),
    ]
    played = dry_run(write(tmp_path / "enriched.tsv", "\n".join([*lines, "cut\tshort", ""])), preset="snowplow")
    assert [told(row) for row in played.rows] == [
        {"user": "bc2e92ec6c204a14", "at": AT, "artwork_id": "23", "surface": "7"}
    ]
    assert played.rows[0].fields["impression_id"] == shared["event_id"]
    assert (dict(played.tally.others), played.bad) == (
        {"page_view": 1},
        ["enriched.tsv:3: 2 columns, the header has 131"],
    )


def test_snowplow_of_your_own_events_takes_the_options_over_the_preset(tmp_path: Path) -> None:
    event = json.dumps({"schema": "iglu:...", "data": {"schema": "iglu:...", "data": {"artwork_id": "a7"}}})
    line = snowplow(
        event="unstruct",
        event_name="artwork_seen",
        unstruct_event=event,
        user_id="u1",
        event_id="e1",
        collector_tstamp="2024-01-31 15:30:45.123",
    )
    path = write(tmp_path / "enriched.tsv", line + "\n")
    maps = ["artwork_id=unstruct_event.data.data.artwork_id"]
    played = dry_run(path, preset="snowplow", maps=maps, where=["event_name=artwork_seen"])
    assert [told(row) for row in played.rows] == [{"user": "u1", "at": AT, "artwork_id": "a7"}]


def test_segment_is_each_product_of_a_list_that_was_viewed(tmp_path: Path) -> None:
    products = [{"product_id": "a1", "position": 1}, {"product_id": "a2", "position": 2}]
    event = {
        "type": "track",
        "event": "Product List Viewed",
        "messageId": "022bb90c",
        "anonymousId": "507f191e810c19729de860ea",
        "timestamp": "2024-01-31T15:30:45.123Z",
        "properties": {"list_id": "hot_deals_1", "category": "Deals", "products": products},
    }
    lines = [{"type": "page", "name": "Home", "anonymousId": "x"}, event, {**event, "userId": "u7", "messageId": "9"}]
    played = dry_run(write(tmp_path / "log.json.gz", lines), preset="segment")
    assert [(row.user_id, row.fields["impression_id"]) for row in played.rows] == [
        *(("507f191e810c19729de860ea", "022bb90c.0"), ("507f191e810c19729de860ea", "022bb90c.1")),
        *(("u7", "9.0"), ("u7", "9.1")),
    ]
    assert told(played.rows[3]) == {"user": "u7", "at": AT, "artwork_id": "a2", "position": 2, "surface": "hot_deals_1"}
    assert dict(played.tally.others) == {"page": 1}


@pytest.mark.parametrize("name", ["events.jsonl", "events.parquet"])
def test_posthog_is_each_event_with_an_artwork(tmp_path: Path, name: str) -> None:
    properties = {"artwork_id": "a1", "position": 3, "$session_id": "018f-aa"}
    event = {"uuid": "018f2b6c-0000-7000-8000-000000000001", "event": "artwork_seen", "distinct_id": "u1"}
    other = {**event, "event": "$pageview"}
    path = tmp_path / name
    if name.endswith("jsonl"):
        stamp: Any = "2024-01-31T15:30:45.123000Z"
        lines = [{**other, "properties": {}}, {**event, "properties": properties}]
        write(path, [{**line, "timestamp": stamp} for line in lines])
    else:  # properties are JSON in a text
        lines = [{**other, "properties": "{}"}, {**event, "properties": json.dumps(properties)}]
        columns = {key: [line[key] for line in lines] for key in lines[0]}
        pq.write_table(
            pa.table({**columns, "timestamp": pa.array([AT * 1000] * 2, pa.timestamp("us", tz="UTC"))}), path
        )
    played = dry_run(path, preset="posthog")
    assert [told(row) for row in played.rows] == [
        {"user": "u1", "at": AT, "session": "018f-aa", "artwork_id": "a1", "position": 3}
    ]
    assert played.rows[0].fields["impression_id"] == event["uuid"]
    assert (dict(played.tally.others), played.code) == ({"$pageview": 1}, 0)


def test_open_bandit_is_each_row_by_a_user_of_four_features(tmp_path: Path) -> None:
    features = ",".join(f"user_feature_{n}" for n in range(4))
    text = (
        f",timestamp,item_id,position,click,propensity_score,{features},user-item_affinity_0\n"
        "0,2019-11-24 00:00:34.762830+00:00,14,3,0,0.0125,81ce,03a5,c39b,5ae4,0.0\n"
        "1,2019-11-24 00:00:53.965051+00:00,14,3,0,0.0125,81ce,03a5,c39b,5ae4,0.0\n"
        "2,2019-11-24 00:00:58.156109+00:00,27,3,0,0.0125,cef3,03a5,c39b,5ae4,0.0\n"
    )
    played = dry_run(write(tmp_path / "all.csv", text), preset="open-bandit")
    assert [(row.seen_at, row.fields["artwork_id"], row.fields["position"]) for row in played.rows] == [
        *((1_574_553_634_762, "14", 3), (1_574_553_653_965, "14", 3), (1_574_553_658_156, "27", 3)),
    ]
    assert played.users[0] == played.users[1] != played.users[2]


def test_open_bandit_reads_the_example_too() -> None:
    example = Path(__file__).parents[3] / "examples" / "open-bandit-random-all.csv.gz"
    played = dry_run(example, preset="open-bandit", artwork_format="a{:04d}")
    assert (len(played.rows), len(set(played.users)), played.artworks[0]) == (10_000, 240, "a0014")


def test_mind_is_each_news_that_was_shown_without_its_click(tmp_path: Path) -> None:
    text = (
        "1\tU13740\t11/11/2019 9:05:58 AM\tN55189 N42782\tN55689-1 N35729-0\n"
        "2\tU91836\t11/12/2019 6:11:30 PM\t\tN20678 N39317\n"  # the test set has no clicks
    )
    played = dry_run(write(tmp_path / "behaviors.tsv", text), preset="mind")
    assert [told(row) for row in played.rows] == [
        *({"user": "U13740", "at": 1_573_463_158_000, "artwork_id": name} for name in ("N55689", "N35729")),
        *({"user": "U91836", "at": 1_573_582_290_000, "artwork_id": name} for name in ("N20678", "N39317")),
    ]
    assert len({row.fields["impression_id"] for row in played.rows}) == 4


def test_kuairand_is_each_row_in_ms(tmp_path: Path) -> None:
    text = (
        "user_id,video_id,date,hourmin,time_ms,is_click,is_like,play_time_ms,duration_ms,is_rand,tab\n"
        "17387,1123453,20220421,400,1650485801301,1,0,151024,104400,0,1\n"
    )
    played = dry_run(write(tmp_path / "log_random_4_22_to_5_08_pure.csv", text), preset="kuairand")
    assert [told(row) for row in played.rows] == [
        {"user": "17387", "at": 1_650_485_801_301, "artwork_id": "1123453", "dwell_ms": 151_024, "surface": "1"}
    ]


@pytest.mark.parametrize("extra", [("display_id,", "1,"), ("", "")])
def test_outbrain_counts_ms_from_its_own_start(tmp_path: Path, extra: tuple[str, str]) -> None:
    text = (
        f"{extra[0]}uuid,document_id,timestamp,platform,geo_location\n{extra[1]}cb8c55702adb93,379743,61,3,US>SC>519\n"
    )
    played = dry_run(write(tmp_path / "page_views.csv", text), preset="outbrain")
    assert [told(row) for row in played.rows] == [
        {"user": "cb8c55702adb93", "at": 1_465_876_800_059, "artwork_id": "379743"}
    ]


def test_a_unit_that_is_given_wins_over_the_presets(tmp_path: Path) -> None:
    text = "uuid,document_id,timestamp\nu,7,1706715045\n"
    played = dry_run(write(tmp_path / "f.csv", text), preset="outbrain", time_unit="s")
    assert [row.seen_at for row in played.rows] == [1_706_715_045_000]


@pytest.mark.parametrize("preset", ["snowplow", "ga4", "segment", "bigquery"])
def test_objects_of_a_bucket_need_no_name_that_says_their_format(tmp_path: Path, preset: str) -> None:
    path = write(tmp_path / "1398363527876.8e7b.1.gz", "")
    assert dry_run(path, preset=preset).rows == []
    with pytest.raises(UserError, match="what format is it"):
        dry_run(path)


def test_a_preset_that_is_not_one_is_refused_by_the_names_of_all() -> None:
    with pytest.raises(UserError, match=f"--preset takes {', '.join(PRESETS)}, not 'x'"):
        dry_run(Path("f.csv"), preset="x")


def test_a_file_that_looks_like_a_presets_is_told_so() -> None:
    assert list(look_alikes(["uuid", "document_id", "timestamp"])) == ["outbrain"]
    assert list(look_alikes(["user_id", "artwork_id", "seen_at"])) == []


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_in_the_docs_as_it_is(name: str) -> None:
    preset = PRESETS[name]
    fields = ", ".join(f"{field} = `{place}`" for field, place in preset.names.items()) or "fields by their own names"
    assert f"- **`{name}`**: {preset.about}. Read: {fields}. Times: " in " ".join(PAGE.read_text().split())


def test_the_words_for_no_value_are_in_the_docs() -> None:
    assert " ".join(f"`{word}`" for word in NULL_WORDS) in " ".join(PAGE.read_text().split())
