"""Every setting of every process: environment variables with the prefix ``IMPRESSIONS_``.

``impressions settings`` prints this table with the current values. Each unit is given in the name or the description.
"""

import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.errors import UserError

PREFIX = "IMPRESSIONS_"


def read_secret(path: Path, setting: str) -> str:
    """Return a secret file's text, stripped. Raises UserError that names the setting if the file can't be read."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UserError(f"{setting} is wrong: {path} can't be read ({why}).") from None


class Settings(BaseSettings):
    """The settings of one process, read once from its environment at the start."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, host:port[,host:port].")
    kafka_security_protocol: str = Field(
        "PLAINTEXT",
        pattern="^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$",
        description="Kafka's security protocol for the brokers; use SASL_SSL in production.",
    )
    kafka_sasl_mechanism: str = Field(
        "SCRAM-SHA-512",
        pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$",
        description="Kafka's SASL mechanism for logging in, if the protocol uses SASL.",
    )
    kafka_username: str = Field("", description="User for a SASL login.")
    kafka_password_file: Path | None = Field(None, description="File with that user's password.")
    kafka_ca_file: Path | None = Field(
        None, description="CA certificates (PEM) for checking the brokers' own; none: the machine's."
    )
    clickhouse_url: str = Field("http://127.0.0.1:8123", description="ClickHouse's HTTP interface, http or https.")
    clickhouse_ca_file: Path | None = Field(
        None, description="CA certificates (PEM) for checking ClickHouse's own; none: the usual authorities'."
    )
    clickhouse_hosts: str = Field(
        "",
        description="Names under which clients reach the embedded ClickHouse, with commas between, for example"
        " host.docker.internal; localhost and addresses need none.",
    )
    clickhouse_database: str = Field(
        "impressions", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="ClickHouse database."
    )
    clickhouse_user: str = Field("writer", description="User that the sink and the migrations log in as.")
    clickhouse_password_value: str = Field(
        "",
        validation_alias="IMPRESSIONS_CLICKHOUSE_PASSWORD",
        description="Its password; empty: the password file's, else the embedded stack's secret in the data folder.",
    )
    clickhouse_password_file: Path | None = Field(None, description="File with its password, used if none is set.")
    data_dir: Path = Field(Path(".local"), description="Folder for everything that the processes keep on this machine.")
    topics_file: Path | None = Field(None, description="Path of a topics.yaml to use instead of the project's own.")

    dedupe_window_seconds: int = Field(
        600, ge=1, le=86_400, description="Rule 2: closer than this is a duplicate (s). Fixed when first provisioned."
    )
    lateness_seconds: int = Field(
        86_400, ge=0, le=31_536_000, description="Rule 1: older than this is late, if the user saw it before (s)."
    )
    future_tolerance_seconds: int = Field(
        300,
        ge=0,
        le=86_400,
        description="Rule 1: further ahead of the broker's clock than this is future (s); 0: no tolerance.",
    )

    replication_factor: int = Field(
        1, ge=1, le=5, description="Replicas of topics for which topics.yaml gives no number; use 3 in production."
    )
    metrics_host: str = Field("127.0.0.1", description="Address that Prometheus metrics are served on.")
    metrics_port: int = Field(
        9101, ge=1, le=65_000, description="Port of worker 0's metrics; worker n: + 10n, sink n: + 10n + 1."
    )
    collector_host: str = Field(
        "127.0.0.1",
        description="Address that the collector listens on; another than loopback needs IMPRESSIONS_TOKEN_KEY_FILE.",
    )
    collector_port: int = Field(8080, ge=1, le=65_000, description="Port of collector 0; collector n: + n.")
    token_key_file: Path | None = Field(
        None, description="File with the public keys of tokens; with it, every flush needs one. None: tokens are off."
    )
    collector_without_tokens: bool = Field(
        False, description="Whether the collector may listen beyond loopback and take anyone's flushes without tokens."
    )
    collector_origins: str = Field(
        "",
        description="Origins whose pages may record and read, with commas between, as https://shop.example; empty:"
        " no page of another origin may.",
    )
    collector_proxies: str = Field(
        "",
        description="Networks of the proxies in front of the collector, with commas between, as 10.0.0.0/8: their"
        " word on a client's address is believed. Empty: nobody's is.",
    )
    collector_proxy_header: Literal["x-forwarded-for", "forwarded", "proxy-protocol"] = Field(
        "x-forwarded-for", description="How they name it: a header, or the PROXY protocol before the connection's HTTP."
    )
    collector_budget_mib: int = Field(
        64, ge=8, le=65_536, description="Most that bodies being read and lines not acknowledged may hold (MiB)."
    )
    collector_address_share: float = Field(
        0.25,
        ge=0.01,
        le=1,
        description="Most of that budget that one address, or one /64 of IPv6, may hold, at least 4 MiB; 1: all of it.",
    )
    collector_connections: int = Field(
        20_000, ge=1, le=1_000_000, description="Most connections at a time; further ones get 503."
    )
    collector_address_rate: float = Field(
        200.0, ge=0, le=1e6, description="Requests a second of one address, or of one /64 of IPv6; 0: no limit."
    )
    collector_address_burst: float = Field(
        2_000.0, ge=1, le=1e9, description="Requests of one address that may come at once."
    )
    collector_user_rate: float = Field(
        50.0, ge=0, le=1e6, description="Impressions a second of one user, over a long time; 0: no limit."
    )
    collector_user_burst: float = Field(
        10_000.0, ge=1, le=1e9, description="Impressions of one user that may come at once, as after an offline week."
    )
    collector_log_share: float = Field(
        0.1, ge=0, le=1, description="Share of the flushes that succeed that is logged, by their id; failures all are."
    )
    collector_notice_seconds: float = Field(
        1.0, ge=0, le=300, description="How long, at its end, /readyz says 503 before the collector takes no more (s)."
    )
    collector_traces: bool = Field(
        False,
        description="Whether the collector makes OpenTelemetry traces; needs impression-streams[otel]. Where they go is"
        " said by OTEL_EXPORTER_OTLP_ENDPOINT.",
    )
    collector_gallery: Path | None = Field(
        None,
        description="Folder with a gallery's pages, to be served at /gallery/; none: `impressions up` serves ours.",
    )
    recorder_free_flush_ms: int = Field(
        5_000, ge=100, le=60_000, description="How long a free user's impression waits in the browser at most (ms)."
    )
    recorder_pro_flush_ms: int = Field(
        1_000, ge=100, le=60_000, description="How long a pro user's impression waits in the browser at most (ms)."
    )
    recorder_batch_size: int = Field(
        200, ge=50, le=500, description="Impressions that a browser sends at once, and the most of a flush."
    )
    recorder_visible_ratio: float = Field(
        0.5, ge=0, le=1, description="Share of an artwork that must be visible so that it counts as seen."
    )
    recorder_visible_ms: int = Field(
        1_000, ge=0, le=60_000, description="How long it must be visible, without a break, so that it does (ms)."
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Lowest level to log.")

    chunk_records: int = Field(
        10_000, ge=1, le=100_000, description="Most records, or pieces of long ones, in one transaction of the worker."
    )
    session_timeout_seconds: float = Field(
        10.0, ge=1, le=300, description="Silence after which the broker reassigns a worker's partitions (s)."
    )
    transaction_timeout_seconds: float = Field(
        30.0,
        ge=1,
        # Our brokers accept no more (transaction.max.timeout.ms), so that no producer can hold readers up for longer.
        le=60,
        description="Age at which the broker aborts a dead worker's open transaction (s); the brokers allow 60.",
    )
    stall_seconds: float = Field(
        60.0,
        ge=1,
        le=3_600,
        description="Time without progress on work until a worker or sink reports a stall; it ends after twice (s).",
    )
    state_store: str = Field("rocksdb", pattern="^(rocksdb|memory)$", description="Where the worker keeps its tables.")
    rocksdb_memory_mib: int = Field(
        64, ge=8, le=65_536, description="Memory of RocksDB's block cache and write buffers for a whole worker (MiB)."
    )

    failpoints_dir: Path | None = Field(
        None, description="Folder with files that make processes die or wait at named places, for tests; none: off."
    )

    sink_flush_rows: int = Field(50_000, ge=1, le=1_000_000, description="Rows that fill a block of the sink.")
    sink_flush_seconds: float = Field(
        0.5, ge=0.01, le=60, description="Longest time that a row waits in the sink for its block to fill (s)."
    )

    reads_clickhouse_user: str = Field(
        "reader", description="User that the collector's read API logs in to ClickHouse as; it only reads."
    )
    reads_clickhouse_password_file: Path | None = Field(None, description="File with its password; none: empty.")
    reads_timeout_seconds: float = Field(
        2.0, ge=0.1, le=60, description="Longest wait of a read for ClickHouse; then it is answered with 503 (s)."
    )
    reads_tail_mib: int = Field(
        128, ge=1, le=65_536, description="Memory for accepted rows that ClickHouse doesn't have yet (MiB)."
    )
    reads_users_mib: int = Field(
        128, ge=1, le=65_536, description="Memory for what is known of users who were asked for lately (MiB)."
    )

    @field_validator("collector_gallery", mode="before")
    @classmethod
    def _no_folder(cls, given: object) -> object:
        return given or None  # an empty path would be the working folder

    @classmethod
    def load(cls) -> "Settings":
        """Read the environment. Raises UserError that names the first wrong variable and says what it should be."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]).removeprefix("IMPRESSIONS_").upper()
            raise UserError(f"IMPRESSIONS_{name} is wrong: {first['msg']}.") from None

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the environment variable of each setting, by the setting's name."""
        return {
            name: str(field.validation_alias or f"{PREFIX}{name.upper()}") for name, field in cls.model_fields.items()
        }

    def table(self) -> list[str]:
        """Return lines that show every setting with its value, default and meaning; passwords are never shown."""
        lines, variables = [], self.variables()
        for name, field in type(self).model_fields.items():
            variable = variables[name]
            value = getattr(self, name)
            secret = variable.endswith("PASSWORD") and bool(value)
            lines += [f"{variable}={'(set)' if secret else '' if value is None else value}"]
            lines += [f"    {field.description} Default: {'none' if field.default in (None, '') else field.default}."]
        return lines

    @property
    def window_ms(self) -> int:
        """Rule 2's window (ms)."""
        return self.dedupe_window_seconds * 1000

    @property
    def lateness_ms(self) -> int:
        """Rule 1's lateness (ms)."""
        return self.lateness_seconds * 1000

    @property
    def tolerance_ms(self) -> int:
        """Rule 1's tolerance for the future (ms)."""
        return self.future_tolerance_seconds * 1000

    @property
    def writer_password_file(self) -> Path:
        """Where the embedded ClickHouse's generated secret is kept."""
        return self.data_dir / "clickhouse" / "writer.password"

    @cached_property
    def clickhouse_password(self) -> str:
        """The password: the setting, else the file's, else the embedded secret if there is one, else empty.

        Raises UserError if the file can't be read.
        """
        if self.clickhouse_password_value:
            return self.clickhouse_password_value
        if self.clickhouse_password_file is not None:
            return read_secret(self.clickhouse_password_file, "IMPRESSIONS_CLICKHOUSE_PASSWORD_FILE")
        return self.writer_password_file.read_text().strip() if self.writer_password_file.exists() else ""

    def ensure_writer_password(self) -> str:
        """Return the writer's password; generate the embedded secret (mode 0600) if there is no password yet."""
        path = self.writer_password_file
        if self.clickhouse_password_value or self.clickhouse_password_file is not None:
            return self.clickhouse_password
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24) + "\n")
        return path.read_text().strip()

    @property
    def clickhouse_address(self) -> tuple[str, int]:
        """Host and port of ClickHouse's HTTP interface."""
        parts = urlsplit(self.clickhouse_url)
        return parts.hostname or "127.0.0.1", parts.port or (8443 if parts.scheme == "https" else 8123)
