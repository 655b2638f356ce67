"""The KPIs, on the overview dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import GOOD, MISSED
from dashboards.source.layout import Row
from dashboards.source.ledger import LAST_DAY
from dashboards.source.look import Head, Look
from dashboards.source.overrides import TEXT, mapped, named
from dashboards.source.panels import number, rows_table
from dashboards.source.queries import rows
from dashboards.source.scales import FEW_EXHAUSTED, MOSTLY_NEW, Mark, at_least, at_most, zero_is_right
from dashboards.source.units import MS, NONE, SHARE, USD, count
from dashboards.source.variables import OF_POOL

ALL = Mark(1, "100 %")
FRESHNESS = f"""
    SELECT sum(freshness_mean * active_users) / nullIf(sum(active_users), 0) AS freshness
    FROM kpi_freshness
    WHERE {OF_POOL}
"""
EXHAUSTED = f"""
    SELECT sum(users_above_95) / nullIf(sum(users), 0) AS exhausted
    FROM kpi_freshness
    WHERE {OF_POOL}
"""
P95 = f"""
    SELECT if(sum(lines) = 0, NULL, quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(latency)[2]) AS p95
    FROM ledger_minutes
    WHERE {LAST_DAY}
"""
COST = """
    SELECT usd_per_impression
    FROM kpi_cost
    WHERE day = toDate(now('UTC'))
"""


def of_last_day(column: str) -> str:
    """Return the SQL of a figure from the ledger's last 24 hours."""
    return f"SELECT {column}\nFROM ledger_minutes\nWHERE {LAST_DAY}"


def _kpi(title: str, description: str, look: Look, sql: str) -> model.Panel:
    return number(Head(title, description, (3, 4)), look, rows(sql))


def _of_delivery() -> list[model.Panel]:
    return [
        _kpi(
            "Duplicates seen",
            "Share of all accepted impressions that readers see which come less than the dedupe window after "
            "another of the same user and artwork. Target 0 %; anything else is a defect and pages.",
            Look(SHARE, 2, scale=zero_is_right()),
            "SELECT duplicate_rate FROM kpi_duplicates_seen",
        ),
        _kpi(
            "Batch success",
            "1 - the share of attempts to deliver that failed, as producers report in the batches that did "
            "arrive. Target 100 %; below 95 % an alert is raised.",
            Look(SHARE, 1, scale=at_least(ALL, bad=Mark(0.95, "95 %")), empty="nothing sent in 24 h"),
            of_last_day("1 - sum(failures) / nullIf(sum(attempts), 0) AS batch_success"),
        ),
        _kpi(
            "P95 latency",
            "From the broker's append to the worker's decision, when coverage is known; 95 % of lines take no "
            "longer. Target below 100 ms; exact within 1 %.",
            Look(MS, 0, scale=at_most(Mark(100, "100 ms")), empty="nothing in 24 h"),
            P95,
        ),
    ]


def _of_freshness() -> list[model.Panel]:
    return [
        _kpi(
            "Freshness",
            "Mean share of a chosen pool that is new to a user who was active in the last 24 hours. Target "
            "above 90 %; below 50 % an alert is raised.",
            Look(SHARE, 1, scale=MOSTLY_NEW, empty="nobody active yet"),
            FRESHNESS,
        ),
        _kpi(
            "Pool exhaustion",
            "Share of users who have seen 95 % or more of a pool, of all who have seen something of it. Target "
            "below 1 %; at 1 % an alert is raised.",
            Look(SHARE, 2, scale=FEW_EXHAUSTED, empty="no users yet"),
            EXHAUSTED,
        ),
        _kpi(
            "Freshness hit rate",
            "Share of accepted impressions that are fresh: of an artwork that the user had not seen. Target "
            "100 %, the promise never to repeat.",
            Look(SHARE, 1, scale=at_least(ALL), empty="nothing in 24 h"),
            of_last_day("sum(fresh) / nullIf(sum(accepted), 0) AS hit_rate"),
        ),
    ]


def kpis() -> Row:
    """The KPIs; a test compares each with the view `kpis`."""
    return Row(
        "KPIs, last 24 hours: green where the target is met",
        *_of_delivery(),
        *_of_freshness(),
        _kpi(
            "Impression cost",
            "Today's cost of the platform and of new artworks, by the table `prices`, divided by today's "
            "accepted impressions. Target below 0.001 USD.",
            Look(USD, 5, scale=at_most(Mark(0.001, "$0.001")), empty="no prices, or nothing today"),
            COST,
        ),
        _kpi(
            "Unbalanced lines",
            "Lines of the ledger for which received is not accepted + duplicates + rejected + forwarded. "
            "Target 0; anything else is a defect and pages.",
            Look(count("lines"), 0, scale=zero_is_right()),
            of_last_day("sum(unbalanced) AS out_of_balance"),
        ),
    )


def definitions() -> Row:
    """The KPIs as ClickHouse defines them, in words."""
    met = mapped(**{"true": ("met", GOOD), "false": ("missed", MISSED), "1": ("met", GOOD), "0": ("missed", MISSED)})
    return Row(
        "Definitions",
        rows_table(
            Head(
                "KPIs, as ClickHouse defines them",
                "The view `kpis`: the last 24 hours of all pools, tiers and transports, whatever is chosen above. "
                "docs/reference/kpis.md says what each KPI leaves out.",
                (24, 10),
            ),
            Look(
                NONE,
                4,
                overrides=[
                    named("kpi", custom__width=190),
                    named("value", custom__width=110),
                    named("target", custom__width=110),
                    named("unit", custom__width=80),
                    named("met", custom__width=90, mappings=met, custom__cellOptions=TEXT),
                ],
            ),
            rows("SELECT kpi, value, target, unit, met, definition FROM kpis"),
        ),
    )
