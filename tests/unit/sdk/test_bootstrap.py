"""Addresses of brokers: what librdkafka would take for a name that never answers is refused at once."""

import pytest

from impression_streams import ImpressionProducer
from impression_streams.client import check_bootstrap


@pytest.mark.parametrize(
    "address",
    [
        "localhost",
        "kafka:9092",
        "127.0.0.1:9092",
        "[::1]:9092",
        "[::1]",
        "a:9092,b:9092, c:9092",
        "PLAINTEXT://kafka:9092",
        "SASL_SSL://a.example.com:9093,SASL_SSL://b.example.com:9093",
    ],
)
def test_an_address_is_taken(address: str) -> None:
    check_bootstrap(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://localhost:9092", "'http://localhost:9092' is a URL"),
        ("https://kafka.example.com", "is a URL"),
        ("kafka://kafka:9092", "is a URL"),
        ("kafka:9092,tcp://b:9092", "'tcp://b:9092' is a URL"),
        ("kafka:9092/impressions.v1", "no port|not an address"),
        ("PLAINTEXT://kafka:9092/", "not an address"),
        ("user@kafka:9092", "not an address"),
        ("", "'' is not an address"),
        ("a:9092,,b:9092", "'' is not an address"),
        (":9092", "not an address"),
        ("ka fka:9092", "not an address"),
        ("kafka:", "no port"),
        ("kafka:kafka", "no port"),
        ("kafka:0", "no port"),
        ("kafka:65536", "no port"),
        (["kafka:9092"], "a string is expected, .* not list"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_address_is_named_before_anything_is_sent(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^bootstrap: .*({said})") as caught:
        ImpressionProducer(address)
    assert "host:port" in str(caught.value)
