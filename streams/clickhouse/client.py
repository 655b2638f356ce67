"""The one place that opens a connection to ClickHouse."""

import http.client
import ssl
from typing import Literal

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.errors import UserError
from streams.settings import Settings

# A server on the same network answers a connect within milliseconds, or is not there.
CONNECT_SECONDS = 5
# The longest silence within a request. Above what a block of the sink takes on a loaded machine (a second or two),
# and below Kafka's max.poll.interval, so that a hanging server can't cost the sink its partitions.
REQUEST_SECONDS = 60

# ClickHouse's error codes that say "not with these credentials".
_REFUSED = {"192", "193", "194", "516"}


def connect(settings: Settings, user: Literal["writer", "reader"] = "writer") -> Client:
    """Return a client of the settings' ClickHouse, as the writer or as the read-only user of the same server.

    No database is chosen, since the migrations make it: name tables in full. Safe to share between threads: no
    session is kept. Raises UserError when the server is away or refuses the login.
    """
    host, port = settings.clickhouse_address
    secure = settings.clickhouse_url.startswith("https:")
    name, password = ("reader", "") if user == "reader" else (settings.clickhouse_user, settings.clickhouse_password)
    try:
        return clickhouse_connect.get_client(
            host=host,
            port=port,
            interface="https" if secure else "http",
            username=name,
            password=password,
            ca_cert=str(settings.clickhouse_ca_file) if secure and settings.clickhouse_ca_file else None,
            autogenerate_session_id=False,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=REQUEST_SECONDS,
            # Whoever calls decides when to try again: the sink keeps polling Kafka meanwhile.
            query_retries=0,
            compress="lz4",
        )
    except ClickHouseError as error:
        if str(getattr(error, "code", "")) in _REFUSED:
            raise UserError(
                f"ClickHouse at {settings.clickhouse_url} refuses user {name!r}: "
                "set IMPRESSIONS_CLICKHOUSE_USER and IMPRESSIONS_CLICKHOUSE_PASSWORD, or IMPRESSIONS_DATA_DIR."
            ) from None
        raise UserError(
            f"ClickHouse can't be reached at {settings.clickhouse_url}: is it up, and is IMPRESSIONS_CLICKHOUSE_URL "
            "right?"
        ) from None


def answers(settings: Settings, seconds: float) -> bool:
    """Say whether the server answers within that time to a question that needs no login and no work."""
    host, port = settings.clickhouse_address
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    if settings.clickhouse_url.startswith("https:"):
        # Nothing is sent and nothing believed: that someone answers is enough, whatever the certificate.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
