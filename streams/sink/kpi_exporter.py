"""Exports ClickHouse's KPIs of all users as metrics, so alerts and dashboards have them over time.

It has its own thread and client, so it never delays the rows. While ClickHouse is down, the metrics stay as they were;
`impressions_kpi_computed_timestamp_seconds` shows how old they are.
"""

import threading
import time
from collections.abc import Iterable
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from prometheus_client import Gauge

from streams.clickhouse.client import connect
from streams.errors import UserError
from streams.metrics import installation as metrics
from streams.metrics.base import POOLS
from streams.runtime import log
from streams.settings import Settings

logger = log.get(__name__)

# The rollup that they come from is at most a minute old; read twice as often, they are at most a minute and a half old.
SECONDS = 30.0
# The coverage at which new artworks are ordered, and at which a pool is exhausted.
ABOVE = (0.85, 0.95)
_TENTHS = [tenth / 10 for tenth in range(1, 11)]

_POOLS = f"""
SELECT pool_id, freshness_mean, exhausted_share, users, active_users, users_above_85, users_above_95
FROM {{database}}.kpi_freshness
ORDER BY users DESC, pool_id
LIMIT {POOLS}
"""
_DISTRIBUTION = f"""
SELECT pool_id, [{", ".join(f"countIf(coverage <= {most})" for most in _TENTHS)}]
FROM {{database}}.coverage_latest
GROUP BY pool_id
ORDER BY count() DESC, pool_id
LIMIT {POOLS}
"""
# Those of the last day, so an old one that was dealt with doesn't page for ever. Only users with duplicates are read.
_DUPLICATES = """
SELECT sum(arrayCount(
    (one, next) -> next.1 - one.1 < {window_ms} AND greatest(one.2, next.2) > now64(3, 'UTC') - INTERVAL 1 DAY,
    arrayPopBack(shown), arrayPopFront(shown)
))
FROM
(
    SELECT arraySort(groupArray((toUnixTimestamp64Milli(seen_at), received_at))) AS shown
    FROM {database}.impressions
    WHERE user_id IN
    (
        SELECT user_id FROM {database}.users_raw FINAL
        WHERE doubled > 0 AND last_received_at > now64(3, 'UTC') - INTERVAL 1 DAY
    )
    GROUP BY user_id, artwork_id
)
"""
_UNBALANCED = "SELECT sum(unbalanced) FROM {database}.ledger_minutes WHERE minute > now('UTC') - INTERVAL 1 DAY"


class KpiExporter:
    """Queries the KPIs at intervals, until the process ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._shown: dict[Gauge, set[tuple[str, ...]]] = {}

    def start(self) -> None:
        """Start querying, in a thread."""
        threading.Thread(target=self._run, name="kpis", daemon=True).start()

    def show(self) -> None:
        """Query once. Raises UserError or clickhouse-connect's Error; the metrics then stay as they were."""
        pools, distribution = self._rows(_POOLS), self._rows(_DISTRIBUTION)
        ((duplicates,),), ((unbalanced,),) = self._rows(_DUPLICATES), self._rows(_UNBALANCED)
        self._set(metrics.kpi_freshness, (((row[0],), row[1]) for row in pools))
        self._set(metrics.kpi_exhausted, (((row[0],), row[2]) for row in pools))
        self._set(metrics.kpi_users, (((row[0],), row[3]) for row in pools))
        self._set(metrics.kpi_active_users, (((row[0],), row[4]) for row in pools))
        above = (((row[0], str(least)), count) for row in pools for least, count in zip(ABOVE, row[5:], strict=True))
        self._set(metrics.kpi_users_above, above)
        spread = (
            ((pool, str(most)), n) for pool, counts in distribution for most, n in zip(_TENTHS, counts, strict=True)
        )
        self._set(metrics.kpi_coverage_users, spread)
        metrics.kpi_duplicates.set(duplicates)
        metrics.kpi_unbalanced.set(unbalanced)
        metrics.kpi_computed.set(time.time())

    def _run(self) -> None:
        while True:
            try:
                self.show()
            except (UserError, Error, OSError) as error:
                # The sink's own inserts report ClickHouse's health; here it is enough that the figures age.
                self._client = None
                logger.info("kpis_not_read", detail=str(error).split("\n", 1)[0][:300])
            time.sleep(SECONDS)

    def _rows(self, sql: str) -> list[Any]:
        if self._client is None:
            self._client = connect(self._settings)
        written = sql.format(database=self._settings.clickhouse_database, window_ms=self._settings.window_ms)
        return list(self._client.query(written).result_rows)

    def _set(self, gauge: Gauge, found: Iterable[tuple[tuple[str, ...], float | None]]) -> None:
        """Set a gauge's values; drop those of pools that no longer exist or have nothing to count."""
        values = {labels: value for labels, value in found if value is not None}
        for labels in self._shown.get(gauge, set()) - values.keys():
            gauge.remove(*labels)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
        self._shown[gauge] = set(values)
