"""What all our librdkafka clients have in common: the brokers' addresses, encryption and login."""

from impression_streams.client import connection
from streams.errors import UserError
from streams.settings import Settings, read_secret

Config = dict[str, str | int | float | bool]


def cluster(settings: Settings) -> Config:
    """Return the client configuration that reaches the settings' brokers. Raises as `security` does."""
    return {**connection(settings.kafka_bootstrap), **security(settings)}


def security(settings: Settings) -> dict[str, str | int]:
    """Return the client configuration for encryption and login; empty if the brokers ask for neither.

    Raises UserError if a SASL protocol has no user, or its password can't be read.
    """
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return {}
    config: dict[str, str | int] = {"security.protocol": protocol}
    if protocol.endswith("SSL") and settings.kafka_ca_file is not None:
        config["ssl.ca.location"] = str(settings.kafka_ca_file)
    if protocol.startswith("SASL"):
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"], config["sasl.password"] = login(settings)
    return config


def login(settings: Settings) -> tuple[str, str]:
    """Return user and password for a SASL protocol. Raises UserError if one of them is missing."""
    if not settings.kafka_username or settings.kafka_password_file is None:
        raise UserError(
            f"IMPRESSIONS_KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}: set "
            "IMPRESSIONS_KAFKA_USERNAME and IMPRESSIONS_KAFKA_PASSWORD_FILE."
        )
    return settings.kafka_username, read_secret(settings.kafka_password_file, "IMPRESSIONS_KAFKA_PASSWORD_FILE")
