"""What the sink makes of the brokers' answers, and of the files of certificates."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.metrics import installation as metrics
from streams.settings import Settings
from streams.sink import certificates, cluster_exporter
from streams.sink.cluster_exporter import ClusterExporter, census

# An authority that nobody has, and a certificate that is none: openssl req -x509 -newkey ec -days 36500.
PEM = """\
-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUQEX4ArB8ti0dv26IsTSgQsQRBlwwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMzAwMzAwMjRaGA8yMTI2MTEwNjAzMDAy
NFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGYK
O/wAHPdTKG+0ttcGo+zSIUOO8c+A6r2BLEZQQCGlg41yqiMRVr+z8EnPFpMZiiNZ
EpbGwNKsHru+3ZstZeWjUzBRMB0GA1UdDgQWBBRYJeGPy8z34PoqluT7uY+4Xp5p
QzAfBgNVHSMEGDAWgBRYJeGPy8z34PoqluT7uY+4Xp5pQzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIBHQ9LoIdrWpVdaDKZ4ughVYIEjG8mk7tBKJ
BRZfM/S0AiEAsHgG7x8oUrewUARTsESlSPNpsjvAb8gGtxBbMKQpEK0=
-----END CERTIFICATE-----
"""
LEAF = """\
-----BEGIN CERTIFICATE-----
MIIBcjCCARigAwIBAgIUHgFff0vEmWJNd+Ng9eSxsFWmwSkwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEbGVhZjAgFw0yNjExMzAwMzAxMTlaGA8yMTI2MTEwNjAzMDEx
OVowDzENMAsGA1UEAwwEbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJYy
Aw0hPhzNp0jDEeD4jcu9GkxhVBhE/OUi55k00i9Z+cmryKBN2DOCq1BFzKy1zp1R
3etC3+OTwN4ecNMpeqGjUDBOMB0GA1UdDgQWBBT9DWlfwrWo6ImxmlOGNk5bSvhg
VTAfBgNVHSMEGDAWgBT9DWlfwrWo6ImxmlOGNk5bSvhgVTAMBgNVHRMBAf8EAjAA
MAoGCCqGSM49BAMCA0gAMEUCIQCtiRj12RnlLL96YAHJ6PukzwIiQmSYxi782XNA
69PqcQIgB7Dt11dUFHPcjyACq5Pr9S3zCWKsic6LDg++IfkqIS0=
-----END CERTIFICATE-----
"""
EXPIRES = 4_949_607_624.0


def topic(*partitions: tuple[int, int, int]) -> Any:
    """A topic of the admin client; each partition is its leader, its replicas, and how many of them are in sync."""
    found = (
        SimpleNamespace(leader=leader, replicas=list(range(replicas)), isrs=list(range(in_sync)))
        for leader, replicas, in_sync in partitions
    )
    return SimpleNamespace(partitions=dict(enumerate(found)))


@pytest.mark.parametrize(
    ("partition", "offline", "under_min_isr", "under_replicated"),
    [
        ((1, 3, 3), 0, 0, 0),
        ((1, 3, 2), 0, 0, 1),
        ((1, 3, 1), 0, 1, 1),
        ((-1, 3, 1), 1, 1, 1),
        ((-1, 3, 0), 1, 1, 1),
    ],
)
def test_a_partition_is_counted_by_what_it_lacks(
    partition: tuple[int, int, int], offline: int, under_min_isr: int, under_replicated: int
) -> None:
    found = census({"impressions.v1": topic(partition)}, {"impressions.v1": 2})
    assert found == {"offline": offline, "under_min_isr": under_min_isr, "under_replicated": under_replicated}


def test_partitions_of_all_topics_are_counted_each_by_its_topics_own_minimum() -> None:
    topics = {"one": topic((1, 3, 2), (2, 3, 2)), "two": topic((1, 3, 2)), "new": topic((1, 3, 1))}
    found = census(topics, {"one": 3, "two": 2})
    assert found == {"offline": 0, "under_min_isr": 2, "under_replicated": 4}


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_text(PEM)
    return path


def test_an_authority_is_read_from_its_file(ca_file: Path) -> None:
    assert certificates.authority(ca_file) == EXPIRES


@pytest.mark.parametrize("text", ["", "nothing", LEAF])
def test_a_file_without_one_is_an_error_that_is_caught(text: str, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(text)
    with pytest.raises(ssl.SSLError):
        certificates.authority(path)


def test_only_encrypted_connections_have_certificates(ca_file: Path) -> None:
    brokers = [("one", 9092), ("two", 9092)]
    assert certificates.certificates(Settings(), brokers) == {}
    kafka = Settings(kafka_security_protocol="SASL_SSL", kafka_ca_file=ca_file)
    assert set(certificates.certificates(kafka, brokers)) == {"kafka's authority", "one:9092", "two:9092"}
    clickhouse = Settings(clickhouse_url="https://clickhouse:8443")
    assert set(certificates.certificates(clickhouse, brokers)) == {"clickhouse:8443"}


@pytest.fixture
def shown() -> Iterator[Callable[[], dict[str, float]]]:
    """The dates that are exported, by certificate."""

    def found() -> dict[str, float]:
        (gauge,) = metrics.certificate_expiry.collect()
        return {sample.labels["certificate"]: sample.value for sample in gauge.samples}

    yield found
    metrics.certificate_expiry.clear()


def test_a_certificate_keeps_its_date_until_it_is_read_again_or_its_server_is_gone(
    monkeypatch: pytest.MonkeyPatch, shown: Callable[[], dict[str, float]]
) -> None:
    def refused() -> float:
        raise ssl.SSLCertVerificationError("it has expired")

    looks: list[dict[str, Callable[[], float]]] = [
        {"one": lambda: 1.0, "two": lambda: 2.0},
        {"one": refused, "two": lambda: 3.0, "never": refused},
        {"one": lambda: 4.0},
    ]
    monkeypatch.setattr(cluster_exporter, "certificates", lambda *_: looks.pop(0))
    exporter = ClusterExporter(Settings())
    exporter.show_certificates([])
    assert shown() == {"one": 1, "two": 2}
    exporter.show_certificates([])
    assert shown() == {"one": 1, "two": 3}
    exporter.show_certificates([])
    assert shown() == {"one": 4}
