"""topics.yaml agrees with the contract, and an error in it is reported with its line or entry."""

import json
from pathlib import Path

import pytest

from streams.core import window
from streams.errors import UserError
from streams.kafka import names
from streams.paths import project_path
from streams.provision.topics_file import PROJECT_FILE, Topic, load, parse
from streams.settings import Settings
from streams.state import partition_state, position, segments
from streams.state.partition_state import Table

DAY_MS = 86_400_000
OUTPUTS = {names.ACCEPTED, names.LEDGER, names.REJECTED, names.COVERAGE}
CHANGELOGS = {names.changelog(table) for table in Table}

ENTRY = """
topics:
  t.v1:
    description: A topic.
    key: none
    value: text
    owner: someone
    producers: [a]
    consumers: [b]
    schema: t.v1.json
    partitions: 2
    partition_growth: allowed
    replication: from-settings
    min_insync: all-but-one
    cleanup: delete
    retention: 12h
    max_message_bytes: 1000
    timestamp_type: LogAppendTime
    examples: [{key: null, value: {"a": 1}}]
"""


@pytest.fixture(scope="module")
def declared() -> dict[str, Topic]:
    return load(Settings())


def test_exactly_the_topics_in_use_are_declared(declared: dict[str, Topic]) -> None:
    assert set(declared) == {names.IMPRESSIONS, names.ARTWORKS} | OUTPUTS | CHANGELOGS


def test_topics_that_the_worker_writes_have_the_partitions_of_its_source(declared: dict[str, Topic]) -> None:
    assert declared[names.IMPRESSIONS].partitions == 4
    for name in OUTPUTS | CHANGELOGS:
        assert declared[name].copartitioned_with == names.IMPRESSIONS
        assert declared[name].partitions == 4
        assert declared[name].partition_growth == "refused"
    assert declared[names.ARTWORKS].partitions == 1


@pytest.mark.parametrize(
    ("name", "cleanup", "retention_ms"),
    [
        (names.IMPRESSIONS, "delete", 7 * DAY_MS),
        (names.ACCEPTED, "delete", 7 * DAY_MS),
        (names.LEDGER, "delete", 7 * DAY_MS),
        (names.REJECTED, "delete", 30 * DAY_MS),
        (names.COVERAGE, "compact", -1),
        (names.ARTWORKS, "compact", -1),
        *((name, "compact", -1) for name in sorted(CHANGELOGS)),
    ],
)
def test_cleanup_matches_the_contract(declared: dict[str, Topic], name: str, cleanup: str, retention_ms: int) -> None:
    config = declared[name].kafka_config(1)
    assert config["cleanup.policy"] == cleanup
    assert config["retention.ms"] == str(retention_ms)


def test_the_source_has_append_times_and_accepts_4_mib(declared: dict[str, Topic]) -> None:
    config = declared[names.IMPRESSIONS].kafka_config(1)
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["max.message.bytes"] == str(4 * 2**20)
    limits = {name: int(declared[name].max_message_bytes) for name in OUTPUTS | CHANGELOGS}
    # A rejected line is kept whole up to 23 MiB, and base64 takes four thirds of that.
    assert limits.pop("impressions.rejected.v1") == 32 * 2**20
    assert set(limits.values()) == {8 * 2**20}


def test_changelogs_keep_tombstones_for_a_day(declared: dict[str, Topic]) -> None:
    for name in CHANGELOGS:
        assert declared[name].kafka_config(1)["delete.retention.ms"] == str(DAY_MS)


def test_one_of_several_replicas_may_be_down(declared: dict[str, Topic]) -> None:
    topic = declared[names.IMPRESSIONS]
    assert topic.replicas(3) == 3
    assert [topic.kafka_config(n)["min.insync.replicas"] for n in (1, 2, 3)] == ["1", "1", "2"]


def test_examples_are_json_of_their_topics_shape(declared: dict[str, Topic]) -> None:
    for name, topic in declared.items():
        for example in topic.examples:
            values = example.value if isinstance(example.value, list) else [example.value]
            for value in values:
                assert json.loads(json.dumps(value, allow_nan=False)) == value
                assert topic.binary or value is None or isinstance(value, dict), name


def test_binary_examples_are_what_the_tables_write(declared: dict[str, Topic]) -> None:
    (bucket,) = declared[names.changelog(Table.WINDOWS)].examples
    key, value = bytes.fromhex(str(bucket.key)), bytes.fromhex(str(bucket.value))
    assert key.endswith(b"u42")
    assert (value[0], window.decode(value[1:])) == (segments.OPEN, {"a0042": 599_000})
    (place,) = declared[names.changelog(Table.COVERAGE)].examples
    assert bytes.fromhex(str(place.key)) == partition_state.POSITION
    assert position.decode(bytes.fromhex(str(place.value))).next_offset == 18


def test_a_minimal_entry_is_read() -> None:
    topic = parse(ENTRY, "f")["t.v1"]
    assert topic.retention_ms == 12 * 3_600_000
    assert topic.copartitioned_with is None


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("    key: none", "    key: none\n    key: x", "f, line 6: 'key' appears twice."),
        ("  t.v1:", "  t.v1: {}\n  t.v1:", "f, line 4: 't.v1' appears twice."),
        ("    key: none", "    kye: none", "f, topics.t.v1.key: Field required."),
        ("    key: none", "    key: none\n    colour: red", "f, topics.t.v1.colour: Extra inputs are not permitted."),
        ("partitions: 2", 'partitions: "2"', "f, topics.t.v1.partitions: Input should be a valid integer."),
        ("partitions: 2", "partitions: 0", "f, topics.t.v1.partitions: Input should be greater than or equal to 1."),
        ("cleanup: delete", "cleanup: compact", "retention is 'forever' exactly where cleanup is 'compact'."),
        ("retention: 12h", "retention: 12", "f, topics.t.v1.retention: Input should be a valid string."),
        ("schema: t.v1.json", "schema: ../t.json", "f, topics.t.v1.schema: String should match"),
        ("examples: [{key: null, value: {\"a\": 1}}]", "examples: []", "f, topics.t.v1.examples: List should have"),
        ("    owner: someone", "    owner: someone\n    copartitioned_with: u.v1", "which is not declared."),
        ("    owner: someone", "    owner: someone\n    config: {retention.ms: 5}", "config repeats what a field says"),
        ("    key: none", "    key: none\n  x", "f, line 7: could not find expected ':'."),
    ],
)  # fmt: skip
def test_an_error_names_its_line_or_entry(before: str, after: str, sentence: str) -> None:
    assert before in ENTRY
    with pytest.raises(UserError) as refused:
        parse(ENTRY.replace(before, after, 1), "f")
    assert sentence in str(refused.value)


def test_copartitioned_topics_must_have_equal_counts() -> None:
    text = project_path(PROJECT_FILE).read_text().replace("    partitions: *source_partitions", "    partitions: 6", 1)
    with pytest.raises(UserError, match=r"impressions.accepted.v1: 4 partitions, but impressions.v1 has 6"):
        parse(text, "f")


def test_a_missing_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="IMPRESSIONS_TOPICS_FILE"):
        load(Settings(topics_file=tmp_path / "absent.yaml"))
