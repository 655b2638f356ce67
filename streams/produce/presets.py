"""Logs that people have: what their documentation says about columns, units, and which records are impressions.

An option that is given beside a preset wins over it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from streams.produce.paths import Place
from streams.produce.rows import Format
from streams.produce.snowplow import ENRICHED_COLUMNS
from streams.produce.times import TimeUnit

OUTBRAIN_START = 1_465_876_799_998  # 2016-06-14T03:59:59.998Z, from which the log's ms count


@dataclass(frozen=True)
class Preset:
    """A kind of log. `names` are places of fields (`paths`), of which `may_lack` need not be in a file."""

    about: str
    names: Mapping[str, str] = field(default_factory=dict)
    may_lack: frozenset[str] = frozenset()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    time_unit: TimeUnit = "auto"
    time_format: str = ""
    time_origin: int = 0
    delimiter: str = ""
    quote: str = '"'
    header: tuple[str, ...] = ()
    mark: str = ""
    unnamed: Format | None = None  # the format of files whose names don't say one, as of objects in buckets


PRESETS: dict[str, Preset] = {
    "ga4": Preset(
        "Google Analytics 4, exported by BigQuery as JSON or Parquet: each item of each view_item_list event",
        {
            "user_id": "user_id,user_pseudo_id",
            "artwork_id": "items[].item_id",
            "seen_at": "event_timestamp",
            "position": "items[].item_list_index",
            "surface": "items[].item_list_id",
            "session_id": "event_params.ga_session_id",
        },
        may_lack=frozenset({"position", "surface", "session_id"}),
        where=(("event_name", ("view_item_list",)),),
        time_unit="us",
        unnamed="ndjson",
    ),
    "bigquery": Preset(
        "a table of your own, exported by BigQuery: INT64 as text, TIMESTAMP with UTC behind it", unnamed="ndjson"
    ),
    "snowplow": Preset(
        "Snowplow's enriched events, TSV of 131 columns without a header: each ad_impression event",
        {
            "user_id": "user_id,domain_userid,network_userid",
            "artwork_id": "unstruct_event.data.data.bannerId",
            "seen_at": "true_tstamp,derived_tstamp,dvce_created_tstamp,collector_tstamp",
            "session_id": "domain_sessionid",
            "impression_id": "event_id",
            "surface": "unstruct_event.data.data.zoneId",
        },
        may_lack=frozenset({"surface"}),
        where=(("event_name", ("ad_impression",)),),
        delimiter="\t",
        quote="",
        header=ENRICHED_COLUMNS,
        unnamed="csv",
    ),
    "segment": Preset(
        "Segment's events as it stores them in buckets, NDJSON: each product of each Product List Viewed event",
        {
            "user_id": "userId,anonymousId",
            "artwork_id": "properties.products[].product_id",
            "seen_at": "timestamp",
            "position": "properties.products[].position",
            "surface": "properties.list_id",
            "impression_id": "messageId",
        },
        may_lack=frozenset({"position", "surface", "impression_id"}),
        where=(("event", ("Product List Viewed",)),),
        unnamed="ndjson",
    ),
    "posthog": Preset(
        "PostHog's batch export of events, NDJSON or Parquet: each event with properties.artwork_id",
        {
            "user_id": "distinct_id",
            "artwork_id": "properties.artwork_id",
            "seen_at": "timestamp",
            "position": "properties.position",
            "session_id": "properties.$session_id",
            "impression_id": "uuid",
        },
        may_lack=frozenset({"position", "session_id", "impression_id"}),
    ),
    "open-bandit": Preset(
        "Open Bandit Dataset, CSV: each row; a user is who has the same four features",
        {
            "user_id": "user,user_feature_0+user_feature_1+user_feature_2+user_feature_3",
            "artwork_id": "item_id",
            "seen_at": "timestamp",
            "position": "position",
        },
    ),
    "mind": Preset(
        "MIND, behaviors.tsv: each news of each row; their order was shuffled, so there is no position",
        {
            "user_id": "user",
            "artwork_id": "shown[]",
            "seen_at": "time",
        },
        time_format="%m/%d/%Y %I:%M:%S %p",
        delimiter="\t",
        quote="",
        header=("log", "user", "time", "history", "shown"),
        mark="-",
    ),
    "kuairand": Preset(
        "KuaiRand, log_*.csv: each row; the scenario (tab) is the surface",
        {
            "user_id": "user_id",
            "artwork_id": "video_id",
            "seen_at": "time_ms",
            "dwell_ms": "play_time_ms",
            "surface": "tab",
        },
        time_unit="ms",
    ),
    "outbrain": Preset(
        "Outbrain Click Prediction, page_views.csv or events.csv: each row",
        {"user_id": "uuid", "artwork_id": "document_id", "seen_at": "timestamp"},
        time_unit="ms",
        time_origin=OUTBRAIN_START,
    ),
}


def look_alikes(columns: Collection[str]) -> Iterator[str]:
    """Yield the presets whose columns a file has."""
    for name, preset in PRESETS.items():
        places = [Place.parse(text) for field_name, text in preset.names.items() if field_name not in preset.may_lack]
        if places and all(place.is_named(columns) for place in places):
            yield name
