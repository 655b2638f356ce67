"""How clients log in to brokers and to ClickHouse."""

import re
from pathlib import Path

import faust
import pytest
from faust.auth import SSLCredentials

from impression_streams.client import connection
from streams.embedded.components import environment
from streams.errors import UserError
from streams.kafka.client import cluster, security
from streams.settings import Settings
from streams.worker.faust.credentials import credentials

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("hush\n")
    return path


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    """Any certificate: it is read, but not used."""
    import certifi  # noqa: PLC0415

    text = Path(certifi.where()).read_text()
    path = tmp_path / "ca.pem"
    path.write_text(text[text.index("-----BEGIN") : text.index("-----END CERTIFICATE-----") + 26])
    return path


def test_without_a_security_protocol_no_credentials_are_configured() -> None:
    settings = Settings(kafka_bootstrap="k:1")
    assert security(settings) == {}
    assert cluster(settings) == connection("k:1")
    assert credentials(settings) is None


def test_a_login_over_tls(password: Path, ca: Path) -> None:
    settings = Settings(
        kafka_bootstrap="k:1",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_username="worker",
        kafka_password_file=password,
        kafka_ca_file=ca,
    )
    wanted = {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(ca),
        "sasl.mechanism": "PLAIN",
        "sasl.username": "worker",
        "sasl.password": "hush",
    }
    assert security(settings) == wanted
    assert cluster(settings) == connection("k:1") | wanted
    fausts = credentials(settings)
    assert isinstance(fausts, faust.SASLCredentials)
    assert (fausts.protocol.value, fausts.mechanism.value) == ("SASL_SSL", "PLAIN")
    assert (fausts.username, fausts.password) == ("worker", "hush")
    assert fausts.ssl_context is not None
    assert fausts.ssl_context.check_hostname


def test_a_login_in_clear_text(password: Path) -> None:
    settings = Settings(kafka_security_protocol="SASL_PLAINTEXT", kafka_username="worker", kafka_password_file=password)
    assert security(settings)["sasl.mechanism"] == "SCRAM-SHA-512"
    assert "ssl.ca.location" not in security(settings)
    fausts = credentials(settings)
    assert isinstance(fausts, faust.SASLCredentials)
    assert fausts.protocol.value == "SASL_PLAINTEXT"


def test_tls_without_a_login(ca: Path) -> None:
    settings = Settings(kafka_security_protocol="SSL", kafka_ca_file=ca)
    assert security(settings) == {"security.protocol": "SSL", "ssl.ca.location": str(ca)}
    assert isinstance(credentials(settings), SSLCredentials)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, "IMPRESSIONS_KAFKA_USERNAME"),
        ({"kafka_username": "worker"}, "IMPRESSIONS_KAFKA_PASSWORD_FILE"),
        ({"kafka_username": "worker", "kafka_password_file": Path("nowhere")}, "IMPRESSIONS_KAFKA_PASSWORD_FILE"),
    ],
)
def test_an_incomplete_login_names_what_is_missing(changes: dict[str, object], names: str) -> None:
    settings = Settings.model_validate({"kafka_security_protocol": "SASL_SSL", **changes})
    for each in (security, credentials):
        with pytest.raises(UserError, match=names):
            each(settings)


def test_an_unreadable_certificate_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="IMPRESSIONS_KAFKA_CA_FILE"):
        credentials(Settings(kafka_security_protocol="SSL", kafka_ca_file=tmp_path / "nowhere"))


def test_clickhouses_password_comes_from_its_file(password: Path, tmp_path: Path) -> None:
    by_file = Settings(data_dir=tmp_path / "data", clickhouse_password_file=password)
    assert by_file.clickhouse_password == by_file.ensure_writer_password() == "hush"
    assert not by_file.writer_password_file.exists()
    both = {"clickhouse_password_file": password, "IMPRESSIONS_CLICKHOUSE_PASSWORD": "shout"}
    assert Settings.model_validate(both).clickhouse_password == "shout"
    with pytest.raises(UserError, match="IMPRESSIONS_CLICKHOUSE_PASSWORD_FILE"):
        _ = Settings(clickhouse_password_file=tmp_path / "nowhere").clickhouse_password


def test_the_table_shows_the_file_of_a_password_but_never_the_password(password: Path) -> None:
    lines = Settings(kafka_password_file=password, clickhouse_password_file=password).table()
    assert f"IMPRESSIONS_KAFKA_PASSWORD_FILE={password}" in lines
    assert "hush" not in "\n".join(lines)


def test_a_child_process_finds_files_given_by_relative_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    passed = environment(Settings(kafka_ca_file=Path("ca.pem")))
    assert passed["IMPRESSIONS_KAFKA_CA_FILE"] == str(tmp_path / "ca.pem")


def test_every_client_of_ours_can_log_in() -> None:
    """Only the stack on this machine uses bare addresses (and the SDK, whose callers configure the login)."""
    bare = re.compile(r'connection\(|"bootstrap\.servers"')
    found = {str(path.relative_to(ROOT / "streams")) for path in (ROOT / "streams").rglob("*.py") if _has(path, bare)}
    local = {name for name in found if name.startswith("embedded/")}
    assert found - local == {"kafka/client.py", "kafka/admin.py"}


def _has(path: Path, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(line) and "create_connection(" not in line for line in path.read_text().splitlines())
