"""Settings: each one is explained, and a wrong one is reported in one clear sentence."""

import re
import stat
from pathlib import Path

import pytest

from streams.errors import UserError
from streams.settings import Settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415

    for name in [name for name in os.environ if name.startswith("IMPRESSIONS_")]:
        monkeypatch.delenv(name)


def test_defaults_are_those_of_the_contract() -> None:
    settings = Settings.load()
    assert settings.kafka_bootstrap == "127.0.0.1:9092"
    assert settings.clickhouse_url == "http://127.0.0.1:8123"
    assert settings.clickhouse_address == ("127.0.0.1", 8123)
    assert settings.metrics_port == 9101
    assert (settings.window_ms, settings.lateness_ms, settings.tolerance_ms) == (600_000, 86_400_000, 300_000)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_description_and_a_default(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    assert not field.is_required()


NUMBERS = [name for name, field in Settings.model_fields.items() if field.annotation in (int, float)]


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_limits_and_a_unit(name: str) -> None:
    field = Settings.model_fields[name]
    assert {type(limit).__name__ for limit in field.metadata} >= {"Ge", "Le"}
    text = f"{name} {field.description}"
    assert re.search(
        r"\((s|ms|MiB)\)|\b[Pp]ort\b|[Rr]ecords|[Rr]ows|[Rr]eplicas|[Cc]onnections|[Rr]equests|[Ii]mpressions|[Ss]hare",
        text,
    ), f"{name}: in what unit?"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEDUPE_WINDOW_SECONDS", "0"),
        ("DEDUPE_WINDOW_SECONDS", "ten"),
        ("DEDUPE_WINDOW_SECONDS", ""),
        ("FUTURE_TOLERANCE_SECONDS", "-1"),
        ("METRICS_PORT", "70000"),
        ("LOG_LEVEL", "LOUD"),
        ("STATE_STORE", "redis"),
        ("CLICKHOUSE_DATABASE", "a; DROP"),
        ("RECORDER_FREE_FLUSH_MS", "99"),
        ("RECORDER_PRO_FLUSH_MS", "1.5"),
        ("RECORDER_BATCH_SIZE", "49"),
        ("RECORDER_BATCH_SIZE", "501"),
        ("RECORDER_VISIBLE_RATIO", "1.1"),
        ("RECORDER_VISIBLE_MS", "-1"),
    ],
)
def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(f"IMPRESSIONS_{variable}", value)
    with pytest.raises(UserError, match=rf"^IMPRESSIONS_{variable} is wrong: .+\.$"):
        Settings.load()


def test_an_empty_gallery_is_none_and_not_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRESSIONS_COLLECTOR_GALLERY", "")
    assert Settings.load().collector_gallery is None


def test_the_tolerance_can_be_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRESSIONS_FUTURE_TOLERANCE_SECONDS", "0")
    assert Settings.load().tolerance_ms == 0


def test_the_table_lists_every_variable_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRESSIONS_CLICKHOUSE_PASSWORD", "hush")
    lines = Settings.load().table()
    listed = {text.partition("=")[0] for text in lines[::2]}
    assert listed == {
        "IMPRESSIONS_CLICKHOUSE_PASSWORD" if name == "clickhouse_password_value" else f"IMPRESSIONS_{name.upper()}"
        for name in Settings.model_fields
    }
    assert "hush" not in "\n".join(lines)
    assert "IMPRESSIONS_CLICKHOUSE_PASSWORD=(set)" in lines
    assert all("Default: " in text for text in lines[1::2])


def test_the_writers_password_is_generated_once_and_kept_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert Settings(data_dir=tmp_path).clickhouse_password == ""
    password = settings.ensure_writer_password()
    assert len(password) >= 32
    assert stat.S_IMODE(settings.writer_password_file.stat().st_mode) == 0o600
    assert settings.ensure_writer_password() == password
    assert Settings(data_dir=tmp_path).clickhouse_password == password


def test_a_password_that_is_set_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Settings(data_dir=tmp_path).ensure_writer_password()
    monkeypatch.setenv("IMPRESSIONS_CLICKHOUSE_PASSWORD", "hush")
    assert Settings(data_dir=tmp_path).clickhouse_password == "hush"
    assert Settings(data_dir=tmp_path).ensure_writer_password() == "hush"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://db:1234", ("db", 1234)),
        ("http://db", ("db", 8123)),
        ("https://db", ("db", 8443)),
        ("http://[::1]:1", ("::1", 1)),
    ],
)
def test_clickhouses_address(url: str, address: tuple[str, int]) -> None:
    assert Settings(clickhouse_url=url).clickhouse_address == address
