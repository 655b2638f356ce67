"""The one place that opens a connection to ClickHouse."""

import http.client
import ssl
from functools import cache
from typing import Any, Literal

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httputil import get_pool_manager

from streams.clickhouse import errors
from streams.clickhouse.errors import ClickHouseAwayError
from streams.errors import Kind, UserError
from streams.runtime.loopback import is_loopback
from streams.settings import Settings

# A server on the same network accepts a connection within milliseconds, or is down.
CONNECT_SECONDS = 5
# The longest silence within a request. Longer than a block of the sink takes on a loaded machine (a second or two), and
# shorter than Kafka's max.poll.interval, so a server that hangs can't cost the sink its partitions.
REQUEST_SECONDS = 60


def connect(settings: Settings, user: Literal["writer", "reader"] = "writer") -> Client:
    """Return a client of the settings' ClickHouse, as the writer or as the same server's read-only user.

    No database is selected, since the migrations create it: qualify table names. Safe to share between threads, since
    it keeps no session. Raises ClickHouseAwayError if the server is unreachable, UserError if it refuses the login.
    """
    host, port = settings.clickhouse_address
    secure = settings.clickhouse_url.startswith("https:")
    name, password = ("reader", "") if user == "reader" else (settings.clickhouse_user, settings.clickhouse_password)
    ca = str(settings.clickhouse_ca_file) if secure and settings.clickhouse_ca_file else None
    try:
        return clickhouse_connect.get_client(
            host=host,
            port=port,
            interface="https" if secure else "http",
            username=name,
            password=password,
            ca_cert=ca,
            pool_mgr=pool(host, ca),
            autogenerate_session_id=False,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=REQUEST_SECONDS,
            # The caller decides when to retry: the sink keeps polling Kafka meanwhile.
            query_retries=0,
            compress="lz4",
        )
    except ClickHouseError as error:
        if errors.kind(error) is Kind.REFUSE:
            raise UserError(
                f"ClickHouse at {settings.clickhouse_url} refuses user {name!r}: "
                "set IMPRESSIONS_CLICKHOUSE_USER and IMPRESSIONS_CLICKHOUSE_PASSWORD, or IMPRESSIONS_DATA_DIR."
            ) from error
        raise ClickHouseAwayError(
            f"ClickHouse can't be reached at {settings.clickhouse_url}: is it up, and is IMPRESSIONS_CLICKHOUSE_URL "
            "right?"
        ) from None


def pool(host: str, ca: str | None = None) -> Any:
    """Return the connections to use for a host of this machine, past every proxy; None for any other host.

    The client would ask the proxy that HTTP_PROXY or HTTPS_PROXY names even for 127.0.0.1, unless NO_PROXY says so.
    """
    return _direct(ca) if is_loopback(host) else None


@cache
def _direct(ca: str | None) -> Any:
    return get_pool_manager(ca_cert=ca)


def answers(settings: Settings, seconds: float) -> bool:
    """Say whether the server answers a request that needs neither login nor work within `seconds`."""
    host, port = settings.clickhouse_address
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    if settings.clickhouse_url.startswith("https:"):
        # No data is sent or trusted: any answer is enough, whatever the certificate.
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
