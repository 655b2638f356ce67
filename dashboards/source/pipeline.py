"""Pipeline: does it keep up, how long does it take, what does it hold, and how are the systems it relies on?"""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source import variables
from dashboards.source.layout import Page, build, section
from dashboards.source.pipeline_lag import keeping_up
from dashboards.source.pipeline_parts import clickhouse, faust_and_kafka, processes
from dashboards.source.pipeline_sink import sink
from dashboards.source.pipeline_still import standing_still
from dashboards.source.pipeline_worker import latency, state, throughput

PAGE = Page(
    "impressions-pipeline",
    "Impressions: pipeline",
    "Does it keep up, how long does it take, what does it hold, and how are Kafka and ClickHouse under it?",
    "now-1h",
    "10s",
)


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    # Seventy queries every ten seconds are a load of their own: only the first answers without a click.
    sections = [
        *(standing_still(), latency(), throughput(), state(), sink()),
        *(faust_and_kafka(), clickhouse(), processes()),
    ]
    return build(
        PAGE, [variables.clickhouse(), variables.prometheus()], [keeping_up(), *(section(each) for each in sections)]
    )
