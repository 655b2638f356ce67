"""How Faust's client logs in to the brokers: as streams.kafka.client has librdkafka do it, in Faust's terms."""

import ssl

import faust
from faust.auth import SSLCredentials
from faust.types.auth import CredentialsT

from streams.errors import UserError
from streams.kafka.client import login
from streams.settings import Settings


def credentials(settings: Settings) -> CredentialsT | None:
    """Return the value of Faust's `broker_credentials`; None if the brokers require neither encryption nor a login.

    Raises UserError if the certificates or the password can't be read.
    """
    protocol = settings.kafka_security_protocol
    context = _context(settings) if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        username, password = login(settings)
        return faust.SASLCredentials(
            username=username, password=password, mechanism=settings.kafka_sasl_mechanism, ssl_context=context
        )
    return None if context is None else SSLCredentials(context)


def _context(settings: Settings) -> ssl.SSLContext:
    """Check the brokers' certificates and their host names, as librdkafka does."""
    try:
        return ssl.create_default_context(cafile=settings.kafka_ca_file)
    except OSError as error:
        raise UserError(
            f"IMPRESSIONS_KAFKA_CA_FILE is wrong: {settings.kafka_ca_file} can't be read ({error})."
        ) from None
