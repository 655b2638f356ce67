"""The embedded broker keeps its data through stops and kills, and refuses in one sentence what can't work."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.embedded.kafka import broker, jars
from streams.embedded.ports import controller_address
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.kafka.names import changelog
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.provision.topics_file import load
from streams.settings import Settings
from streams.state.partition_state import Table
from tests.support.kafka import broker_settings, running_broker, start_broker, stop_broker
from tests.support.wait import until

SECONDS = 30.0


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A broker that is running at the start of each test."""
    with running_broker(tmp_path_factory.mktemp("broker")) as found:
        yield found


def create_topic(settings: Settings, topic: str, config: dict[str, str] | None = None) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1, config=config or {})])[topic].result(SECONDS)


def produce(settings: Settings, topic: str, *values: bytes) -> None:
    """Write records of one key in a transaction, as the worker does."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "transactional.id": "test"})
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, key=b"key")
    producer.commit_transaction(SECONDS)


def kept(settings: Settings, topic: str) -> list[bytes | None]:
    """Return all committed values of the topic. The marker of the transaction comes after the last one."""
    consumer = reader(settings, **AT_ENDS)
    try:
        batches = to_ends(consumer, [TopicPartition(topic, 0, 0)], 1, 1.0)
        return [record.value() for records in batches for record in records]
    finally:
        consumer.close()


def test_data_survives_a_stop_and_a_kill(settings: Settings) -> None:
    create_topic(settings, "kept")
    produce(settings, "kept", b"before the stop")
    stop_broker(settings)
    program = broker.program(RunFolder(settings.data_dir))
    assert not program.is_running
    start_broker(settings)
    produce(settings, "kept", b"before the kill")
    program.kill()
    assert "is gone" in (program.clean_stale() or "")
    start_broker(settings)
    # A commit is acknowledged once the coordinator has it. Its marker, which readers wait for, may be written only
    # after the broker's restart, at the latest when the producer comes back under its name, as a worker does.
    produce(settings, "kept", b"after the kill")
    written = [b"before the stop", b"before the kill", b"after the kill"]
    until(lambda: kept(settings, "kept") == written, SECONDS, "all records are readable")
    # What a killed JVM unpacked stays in the data folder, and goes with the next start.
    scratch = broker.scratch_dir(RunFolder(settings.data_dir))
    assert f"-Djava.io.tmpdir={scratch}".encode() in Path(f"/proc/{program.pid}/cmdline").read_bytes().split(b"\0")
    (scratch / "liblz4-java-1.so").touch()
    program.kill()
    start_broker(settings)
    assert not (scratch / "liblz4-java-1.so").exists()


def test_a_transaction_that_would_hold_readers_up_for_longer_than_a_minute_is_refused(settings: Settings) -> None:
    wanted = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "transactional.id": "long",
        "transaction.timeout.ms": 60_000,
    }
    Producer(wanted).init_transactions(SECONDS)
    with pytest.raises(KafkaException) as refused:
        Producer({**wanted, "transaction.timeout.ms": 60_001}).init_transactions(SECONDS)
    assert refused.value.args[0].code() == KafkaError.INVALID_TRANSACTION_TIMEOUT


def test_a_changelog_is_compacted(settings: Settings) -> None:
    config = load(settings)[changelog(Table.WINDOWS)].kafka_config(1)
    # The active segment is never compacted; ending segments after a second saves the test ten minutes.
    create_topic(settings, "compacted", {**config, "segment.ms": "1000"})
    written = 0

    def compacted() -> bool:
        nonlocal written
        written += 100
        produce(settings, "compacted", *[b"%d" % n for n in range(100)])
        values = kept(settings, "compacted")
        return len(values) < written and values[-1] == b"99"

    until(compacted, SECONDS, "fewer records than were written")


def test_the_broker_listens_on_loopback_only(settings: Settings) -> None:
    pid = broker.program(RunFolder(settings.data_dir)).pid
    inodes = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    listening = [
        fields[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A" and f"socket:[{fields[9]}]" in inodes
    ]
    assert len(listening) == 2
    # proc(5): addresses in hex, each word in the machine's byte order; Java binds IPv4 through IPv6 sockets.
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert {address.split(":")[0] for address in listening} <= loopback


def test_topics_are_never_created_by_accident(settings: Settings) -> None:
    failed: list[object] = []
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "topic.metadata.propagation.max.ms": 0})
    producer.produce("misspelt", b"x", on_delivery=lambda error, _: failed.append(error))
    producer.flush(SECONDS)
    assert failed[0] is not None
    assert (
        "misspelt"
        not in AdminClient({"bootstrap.servers": settings.kafka_bootstrap}).list_topics(timeout=SECONDS).topics
    )


def test_a_second_broker_on_the_port_is_refused(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    second = broker_settings(tmp_path_factory.mktemp("second")).model_copy(
        update={"kafka_bootstrap": settings.kafka_bootstrap}
    )
    port = settings.kafka_bootstrap.rpartition(":")[2]
    with pytest.raises(UserError, match=rf"Port {port} .*IMPRESSIONS_KAFKA_BOOTSTRAP"):
        broker.prepare(second, lambda _: None)


def test_a_controllers_port_in_use_is_named(tmp_path: Path) -> None:
    settings = broker_settings(tmp_path)
    controller = controller_address(broker.embedded_address(settings))
    with socket.socket() as other:
        other.bind(controller)
        other.listen()
        with pytest.raises(UserError, match=rf"Port {controller.port} .*controller"):
            broker.prepare(settings, lambda _: None)


def test_a_cluster_id_is_never_mistaken_for_an_option() -> None:
    ids = [broker.new_cluster_id() for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 22 and not each.startswith("-") for each in ids)


def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    settings = broker_settings(tmp_path)
    broker.prepare(settings, lambda _: None)
    stamp = broker.data_dir(RunFolder(tmp_path)) / "VERSION"
    assert stamp.read_text().strip() == jars.kafka_version()
    stamp.write_text("3.9.1\n")
    with pytest.raises(UserError, match=r"made by Kafka 3\.9\.1"):
        broker.prepare(settings, lambda _: None)
    stamp.write_text(jars.kafka_version().rpartition(".")[0] + ".99\n")
    broker.prepare(settings, lambda _: None)
    stamp.unlink()
    with pytest.raises(UserError, match="unknown version"):
        broker.prepare(settings, lambda _: None)


def test_without_java_the_error_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = broker_settings(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UserError, match="openjdk-17-jre-headless"):
        broker.prepare(settings, lambda _: None)


def test_a_broker_that_ends_while_starting_names_its_log(tmp_path: Path) -> None:
    settings = broker_settings(tmp_path)
    broker.prepare(settings, lambda _: None)
    broker.properties_file(RunFolder(tmp_path)).write_text("process.roles=neither\n")
    program = broker.program(RunFolder(tmp_path)).start()
    try:
        with pytest.raises(UserError, match=r"ended while it was starting.*kafka\.log"):
            program.wait_until(lambda: broker.is_ready(settings), float("inf"))
    finally:
        program.stop()


def maven(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Callable[[], Path]:
    """Put a stand-in for Maven on the PATH, since a test must not download 45 MB; return the fetch."""
    program = folder / "bin" / "mvn"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nfor last; do :; done\nfresh="${{last#-DoutputDirectory=}}"\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return lambda: jars.fetch_jars(RunFolder(folder), lambda _: None)


def test_a_failed_fetch_names_mavens_log_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = maven(tmp_path, monkeypatch, 'mkdir "$fresh"; echo unreachable; exit 1')
    with pytest.raises(UserError, match=r"log is .*maven\.log"):
        fetch()
    assert (tmp_path / "log" / "maven.log").read_text() == "unreachable\n"
    assert list((tmp_path / "kafka").iterdir()) == []


def test_two_fetches_at_once_leave_one_complete_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each waits until both have started, so that both really fetch.
    meet = f'mkdir "$fresh"; echo jar > "$fresh/a.jar"; echo > {tmp_path}/$$; ' + (
        f"while [ $(ls {tmp_path} | grep -c '^[0-9]') -lt 2 ]; do :; done"
    )
    fetch = maven(tmp_path, monkeypatch, meet)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(fetch())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(found) == 2
    assert [path.name for path in (tmp_path / "kafka").iterdir()] == [f"libs-{jars.kafka_version()}"]
    assert (found[0] / "a.jar").read_text() == "jar\n"


def test_the_jars_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = maven(tmp_path, monkeypatch, 'mkdir "$fresh"')
    first = fetch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("mvn") is None
    assert fetch() == first
