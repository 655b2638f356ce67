"""The commands in the deployment documents that need no Docker engine, run exactly as written."""

import shutil
import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from streams.settings import Settings
from tests.support.compose_file import BASE, PRODUCTION, load
from tests.support.documented import ROOT, commands, run

pytestmark = pytest.mark.integration

DEPLOYMENT = (ROOT / "docs" / "operate" / "deployment.md").read_text()
CLUSTER = (ROOT / "clickhouse" / "cluster" / "README.md").read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the script reads, so that the checkout's own secrets stay as they are."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copytree(
        ROOT / "secrets", tmp_path / "secrets", ignore=lambda _, names: [n for n in names if n[0] not in ".R"]
    )
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [*commands(DEPLOYMENT), *commands(CLUSTER)])
def test_every_command_works(command: str, checkout: Path) -> None:
    script = command.split(" ", maxsplit=1)[0]
    here = command.replace(script, str(checkout / script)) if script.startswith("deploy/") else command
    done = run(here, Settings(data_dir=checkout))
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_secrets_are_those_that_the_files_name_and_are_private(checkout: Path) -> None:
    assert run(str(checkout / "deploy" / "secrets.sh"), Settings(data_dir=checkout)).returncode == 0
    asked = {each["file"] for path in (BASE, PRODUCTION) for each in load(path)["secrets"].values()}
    for name in asked:
        path = checkout / name
        assert path.read_text().strip()
        # Containers run as other users than the owner of the folder, which keeps everyone else out.
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE((checkout / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((checkout / "secrets" / "ca.key").stat().st_mode) == 0o600
    for name in ("kafka_broker", "kafka_impressions"):
        assert not (checkout / "secrets" / name).read_text().endswith("\n")


def test_existing_secrets_are_kept_and_removed_ones_are_replaced(checkout: Path) -> None:
    script, settings = str(checkout / "deploy" / "secrets.sh"), Settings(data_dir=checkout)
    folder = checkout / "secrets"

    def contents() -> dict[str, str]:
        return {path.name: path.read_text() for path in [*folder.iterdir(), checkout / ".env"]}

    assert run(script, settings).returncode == 0
    first = contents()
    assert run(script, settings).returncode == 0
    assert contents() == first
    (folder / "clickhouse_reader").unlink()
    assert run(script, settings).returncode == 0
    changed = {name for name, text in contents().items() if first[name] != text}
    assert changed == {"clickhouse_reader", "clickhouse_users.xml"}


def secrets_sh(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in the checkout, as its own documentation does."""
    return subprocess.run(
        ["deploy/secrets.sh", *arguments], cwd=checkout, capture_output=True, text=True, check=False, timeout=120
    )


def names(certificate: Path) -> set[str]:
    """The names and addresses of a certificate."""
    shown = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-ext", "subjectAltName"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    return {each.strip().partition(":")[2] for each in shown.splitlines()[1].split(",")}


INSIDE = {"kafka", "kafka-2", "kafka-3", "localhost", "127.0.0.1"}
OUTSIDE = ("kafka.example.com", "192.0.2.7", "fd00::1")


def test_a_host_after_a_run_without_one_is_in_every_certificate(checkout: Path) -> None:
    folder = checkout / "secrets"
    assert secrets_sh(checkout).returncode == 0
    assert names(folder / "kafka.pem") == INSIDE
    before = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    done = secrets_sh(checkout, "secrets", *OUTSIDE)
    assert done.returncode == 0, done.stderr
    assert "made again, with further names: kafka.pem clickhouse.pem" in done.stdout
    assert f"set KAFKA_HOST={OUTSIDE[0]} and KAFKA_BIND=0.0.0.0" in done.stderr
    added = {"kafka.example.com", "192.0.2.7", "FD00:0:0:0:0:0:0:1"}
    assert names(folder / "kafka.pem") == INSIDE | added
    assert names(folder / "clickhouse.pem") == {"clickhouse", "localhost", "127.0.0.1"} | added
    changed = {path.name for path in folder.iterdir() if path.is_file() and before.get(path.name) != path.read_text()}
    assert changed == {"kafka.pem", "clickhouse.pem"}
    # Each certificate fits its key, and the authority signed it.
    for certificate, key in (("kafka.pem", "kafka.pem"), ("clickhouse.pem", "clickhouse.key")):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(folder / certificate, folder / key)
        verify: list[str | Path] = ["openssl", "verify", "-CAfile", folder / "ca.pem", folder / certificate]
        assert subprocess.run(verify, capture_output=True, check=False, timeout=60).returncode == 0
    # With nothing to add, nothing changes.
    again = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    assert secrets_sh(checkout, "secrets", "kafka.example.com").returncode == 0
    assert {path.name: path.read_text() for path in folder.iterdir() if path.is_file()} == again


def test_without_the_authoritys_key_a_new_host_is_one_sentence_and_nothing_changes(checkout: Path) -> None:
    folder = checkout / "secrets"
    assert secrets_sh(checkout).returncode == 0
    (folder / "ca.key").rename(checkout / "ca.key")
    before = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    done = secrets_sh(checkout, "secrets", "kafka.example.com")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "kafka.pem has to be made for kafka.example.com, and ca.key" in line
    assert {path.name: path.read_text() for path in folder.iterdir() if path.is_file()} == before
    # Without a host there is nothing to sign.
    assert secrets_sh(checkout).returncode == 0


def test_the_key_of_another_authority_signs_nothing(checkout: Path) -> None:
    assert secrets_sh(checkout).returncode == 0
    (checkout / "secrets" / "ca.key").write_text((checkout / "secrets" / "clickhouse.key").read_text())
    done = secrets_sh(checkout, "secrets", "kafka.example.com")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "let your own authority issue the certificate" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("kafka.example.com",), "is not a folder: the folder comes before the hosts"),
        (("secrets", "kafka.example.com:9092"), "is neither a name nor an address"),
        (("secrets", "a,DNS:b"), "is neither a name nor an address"),
        (("secrets", "[::1]"), "is neither a name nor an address"),
        (("secrets", ""), "is neither a name nor an address"),
    ],
)
def test_what_is_no_host_is_one_sentence_and_makes_nothing(
    arguments: tuple[str, ...], sentence: str, checkout: Path
) -> None:
    before = sorted(checkout.rglob("*"))
    done = secrets_sh(checkout, *arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(checkout.rglob("*")) == before


def test_the_first_run_with_a_host_lets_outside_programs_in(checkout: Path) -> None:
    done = secrets_sh(checkout, "secrets", "kafka.example.com")
    assert (done.returncode, done.stderr) == (0, "")
    lines = (checkout / ".env").read_text().splitlines()
    assert {"KAFKA_HOST=kafka.example.com", "KAFKA_BIND=0.0.0.0"} <= set(lines)
    assert "KAFKA_BIND=0.0.0.0" not in (ROOT / ".env.example").read_text().splitlines()


def test_an_advertised_name_that_no_certificate_has_is_named(checkout: Path) -> None:
    assert secrets_sh(checkout).returncode == 0
    env = checkout / ".env"
    env.write_text(env.read_text().replace("KAFKA_HOST=localhost", "KAFKA_HOST=kafka.example.com"))
    done = secrets_sh(checkout)
    assert done.returncode == 0
    assert "sets KAFKA_HOST=kafka.example.com, which no certificate of the brokers names" in done.stderr
