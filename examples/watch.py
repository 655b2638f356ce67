"""Read what arrives, with ClickHouse's ordinary client, as the read-only user.

    python examples/watch.py [SECONDS]

Reads IMPRESSIONS_CLICKHOUSE_URL (http://127.0.0.1:8123).
"""

import os
import sys
import time

import clickhouse_connect
from clickhouse_connect.driver.httputil import get_pool_manager

QUERY = """
    SELECT
        (SELECT count() FROM impressions) AS impressions,
        count() AS users,
        if(count() = 0, 0, avg(user_coverage.coverage)) AS mean,
        countIf(user_coverage.coverage >= 0.95) AS exhausted
    FROM user_coverage
"""

client = clickhouse_connect.get_client(
    dsn=os.environ.get("IMPRESSIONS_CLICKHOUSE_URL", "http://127.0.0.1:8123"),
    username="reader",
    database="impressions",
    # Directly: a proxy that HTTP_PROXY names doesn't know this machine's own addresses.
    pool_mgr=get_pool_manager(),
)
until = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 10)
while True:
    impressions, users, mean, exhausted = client.query(QUERY).first_row
    print(f"{impressions:>8} impressions  {users:>5} users  mean coverage {mean:.3f}  {exhausted} at 95 %", flush=True)
    if time.monotonic() > until:
        break
    time.sleep(1)
