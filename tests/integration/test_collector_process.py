"""The collector as its own process, from its start to its end, on a real broker."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import orjson
import pytest

from oracle.murmur import home_of
from streams.collector.rules.sampling import keeps
from streams.embedded.components import environment
from streams.embedded.ports import free_block
from streams.runtime.exit import EXIT_CONFIG
from streams.settings import Settings
from tests.support.collector import JSON, PATH, everything, flush, statuses
from tests.support.kafka import running_broker
from tests.support.malformed import ALL, Case
from tests.support.program import MemberProcess
from tests.support.raw_http import LINE, SMUGGLED
from tests.support.source import lines
from tests.support.stack import provision_log
from tests.support.wait import until

pytestmark = pytest.mark.integration

SECONDS = 60.0
USERS = [f"user-{number}" for number in range(20)]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A provisioned broker, and free ports for two collectors."""
    quick = {"collector_port": free_block(2), "collector_notice_seconds": 0}
    with running_broker(tmp_path_factory.mktemp("collector"), **quick) as settings:
        provision_log(settings)
        yield settings


@pytest.fixture
def collector(broker: Settings) -> Iterator[MemberProcess]:
    process = MemberProcess("collector", broker)
    process.start().wait_ready()
    yield process
    process.kill()


def ask(settings: Settings, method: str, path: str, body: bytes = b"") -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(settings.collector_host, settings.collector_port, timeout=SECONDS)
    try:
        connection.request(method, path, body or None, JSON)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def metric(settings: Settings, name: str) -> float:
    text = ask(settings, "GET", "/metrics")[1].decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))


@pytest.mark.usefixtures("collector")
def test_what_is_answered_with_202_is_in_the_log_byte_for_byte_at_its_users_partition(broker: Settings) -> None:
    body = b"\n".join(flush(user, 3, x=user) for user in USERS)
    answer, text = ask(broker, "POST", PATH, body)
    assert answer.status == 202
    assert orjson.loads(text) == {"accepted": 60, "rejected": []}
    assert set(lines(broker)) >= {(home_of(user, 4), line) for user, line in zip(USERS, body.split(b"\n"), strict=True)}
    assert metric(broker, "impressions_collector_flushes_total") == len(USERS)
    assert metric(broker, "impressions_collector_ack_seconds_count") >= 1


@pytest.mark.usefixtures("collector")
def test_nothing_is_smuggled_into_the_topic(broker: Settings) -> None:
    def send(case: Case) -> list[int]:
        with socket.create_connection((broker.collector_host, broker.collector_port), SECONDS) as connection:
            connection.sendall(case.sent)
            return statuses(everything(connection))

    with ThreadPoolExecutor(16) as senders:
        assert list(senders.map(send, ALL.values())) == [case.statuses for case in ALL.values()]
    found = [line for _, line in lines(broker)]
    assert found.count(LINE) == sum(case.recorded for case in ALL.values())
    assert not [line for line in found if SMUGGLED.encode() in line]
    assert is_ready(broker)


def test_sigterm_ends_it_with_0_and_a_request_on_its_way_is_answered(
    broker: Settings, collector: MemberProcess
) -> None:
    line = flush("last")
    head = f"POST {PATH} HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\nContent-Length: {len(line)}\r\n\r\n"
    with socket.create_connection((broker.collector_host, broker.collector_port), SECONDS) as connection:
        connection.sendall(head.encode() + line[:-1])
        until(lambda: metric(broker, "impressions_collector_connections") >= 2, SECONDS, "it is there")
        collector.send(signal.SIGTERM)
        until(lambda: "stopping" in collector.output(), SECONDS, "it has begun to end")
        connection.sendall(line[-1:])
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert collector.wait_exit() == 0
    assert (home_of("last", 4), line) in lines(broker)


def test_two_collectors_share_nothing_but_the_log(broker: Settings, collector: MemberProcess) -> None:
    second = MemberProcess("collector", broker, 1)
    try:
        second.start().wait_ready()
        other = broker.model_copy(update={"collector_port": broker.collector_port + 1})
        assert ask(broker, "POST", PATH, flush("one"))[0].status == 202
        assert ask(other, "POST", PATH, flush("two"))[0].status == 202
        assert collector.stop() == 0
        assert ask(other, "POST", PATH, flush("three"))[0].status == 202
    finally:
        second.kill()


def test_the_log_has_a_share_of_what_succeeds_by_its_id_and_every_failure(broker: Settings) -> None:
    settings = broker.model_copy(update={"collector_log_share": 0.5})
    ids = [f"flush-{number}" for number in range(200)]
    process = MemberProcess("collector", settings)
    try:
        process.start().wait_ready()
        assert ask(settings, "POST", PATH, b"\n".join(flush("someone", flush_id=each) for each in ids))[0].status == 202
        assert ask(settings, "POST", PATH, b"secret rubbish")[0].status == 400
        assert process.stop() == 0
    finally:
        process.kill()
    lines_of_log = [orjson.loads(line) for line in process.output().splitlines()]
    recorded = [each["flush_id"] for each in lines_of_log if each["event"] == "flush_recorded"]
    assert recorded == [each for each in ids if keeps(each, 0.5)]
    assert 50 < len(recorded) < 150
    (failed,) = [each for each in lines_of_log if each["event"] == "request_failed"]
    assert (failed["status"], failed["reason"]) == (400, "unreadable")
    for absent in ("secret", "someone", "127.0.0.1"):
        assert absent not in "".join(str(each) for each in lines_of_log if each["event"] != "collector_started")


def test_a_log_that_nobody_reads_costs_nothing(broker: Settings) -> None:
    settings = broker.model_copy(update={"collector_log_share": 1.0, "collector_user_rate": 0.0})
    body = b"\n".join(flush(user) for user in USERS * 25)
    argv = [sys.executable, "-m", "streams", "collector"]
    with subprocess.Popen(argv, env=os.environ | environment(settings), stderr=subprocess.PIPE) as process:
        try:
            until(lambda: is_ready(settings), SECONDS, "it is ready")
            for _ in range(40):  # 20,000 lines: more than the pipe and the collector's memory for them hold
                assert ask(settings, "POST", PATH, body)[0].status == 202
            assert metric(settings, "impressions_collector_unwritten_logs_total") > 0
            assert metric(settings, "impressions_collector_flushes_total") == 40 * 500
        finally:
            process.kill()


def is_ready(settings: Settings) -> bool:
    try:
        return ask(settings, "GET", "/readyz")[0].status == 200
    except OSError:
        return False


def refused(tmp_path: Path, **variables: str) -> str:
    """Return the sentence with which it ends at once."""
    nowhere = {"IMPRESSIONS_DATA_DIR": str(tmp_path), "IMPRESSIONS_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-m", "streams", "collector"],
        env=os.environ | nowhere | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == EXIT_CONFIG, done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_it_takes_nobodys_flushes_without_tokens_unless_somebody_says_so(tmp_path: Path) -> None:
    port = str(free_block(1))
    everywhere = {"IMPRESSIONS_COLLECTOR_HOST": "0.0.0.0", "IMPRESSIONS_COLLECTOR_PORT": port}
    assert "IMPRESSIONS_TOKEN_KEY_FILE" in refused(tmp_path, **everywhere)
    settings = Settings.model_validate(
        {
            "collector_host": "0.0.0.0",
            "collector_port": int(port),
            "kafka_bootstrap": "127.0.0.1:1",
            "data_dir": tmp_path,
            "collector_without_tokens": True,
            "collector_notice_seconds": 0,
        }
    )
    process = MemberProcess("collector", settings).start()
    here = settings.model_copy(update={"collector_host": "127.0.0.1"})
    try:
        until(lambda: answers(here, "/healthz"), SECONDS, "it listens")
        answer, text = ask(here, "GET", "/readyz")
        assert answer.status == 503, "there is no broker"
        assert text
        answer, text = ask(here, "POST", PATH, flush())
        assert answer.status == 503
        assert answer.headers["Retry-After"]
    finally:
        assert process.stop() == 0


def answers(settings: Settings, path: str) -> bool:
    try:
        return ask(settings, "GET", path)[0].status == 200
    except OSError:
        return False


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "IMPRESSIONS_COLLECTOR_PORT" in refused(tmp_path, IMPRESSIONS_COLLECTOR_PORT=port)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("IMPRESSIONS_TOKEN_KEY_FILE", "/nowhere"),
        ("IMPRESSIONS_COLLECTOR_ORIGINS", "*"),
        ("IMPRESSIONS_COLLECTOR_PROXIES", "everyone"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(tmp_path: Path, variable: str, value: str) -> None:
    sentence = refused(tmp_path, IMPRESSIONS_COLLECTOR_PORT=str(free_block(1)), **{variable: value})
    assert value in sentence
