"""Edge: do requests get through, what comes in, what is refused and why, the way to the broker, reads, and clients."""

from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import Dataquery

from dashboards.source import variables
from dashboards.source.colours import BAD, HUES, PERCENTILES
from dashboards.source.edge_clients import clients
from dashboards.source.edge_log import log, processes
from dashboards.source.edge_reads import reads
from dashboards.source.edge_requests import incoming, refusals
from dashboards.source.layout import Page, Row, build, section
from dashboards.source.look import Head, Look
from dashboards.source.panels import areas, lines, number
from dashboards.source.promql import percentiles
from dashboards.source.queries import metric, now
from dashboards.source.scales import FAST, FIVE_SECONDS, READ_FAST, SECOND, Mark, at_most, some_are_needed
from dashboards.source.units import SECONDS, SHARE, count, rate

PAGE = Page(
    "impressions-edge",
    "Impressions: edge",
    "Do requests get through, what is refused and why, how long does an answer take, and which clients send?",
    "now-1h",
    "10s",
)
RECORDING = 'impressions_collector_requests_total{route="impressions"}'
FAILING = 'impressions_collector_requests_total{route="impressions",status=~"5.."}'
# Latest values look back over some minutes: a percentile of a few requests says nothing.
LATELY = "[5m]"
P95 = "histogram_quantile(0.95, sum by (le) (rate({})))"


def _now(title: str, description: str, look: Look, expr: str) -> model.Panel:
    return number(Head(title, description, (4, 4)), look, now(expr, title))


def _figures() -> list[model.Panel]:
    recording = "impressions_collector_request_seconds_bucket" + '{route="impressions"}' + LATELY
    return [
        _now(
            "Failed by us",
            "Share of the requests to record that were answered with 5xx, in the last five minutes: the broker does "
            "not acknowledge, or too much waits. Clients keep what they sent, and send it again. From 1 % on an alert "
            "is raised.",
            Look(SHARE, 2, scale=at_most(Mark(0.001, "0.1 %"), bad=Mark(0.01, "1 %")), empty="nothing was sent"),
            f"(sum(rate({FAILING}{LATELY})) or vector(0)) / sum(rate({RECORDING}{LATELY}))",
        ),
        _now(
            "Time to record: P95",
            "From a request's complete header to its answer, in the last five minutes; it waits for the broker.",
            Look(SECONDS, 0, scale=FAST, empty="nothing was sent"),
            P95.format(recording),
        ),
        _now(
            "Time to read: P95",
            "From a read's complete header to its answer, over all calls, in the last five minutes.",
            Look(SECONDS, 0, scale=READ_FAST, empty="nothing was read"),
            P95.format("impressions_collector_read_seconds_bucket" + LATELY),
        ),
        _now(
            "Budget in use",
            "Bytes that wait, by those that may, in the fullest collector. From 70 % on, requests get 503 before their "
            "body is read; from 50 % on an alert is raised.",
            Look(SHARE, 1, scale=at_most(Mark(0.25, "25 %"), bad=Mark(0.5, "50 %"))),
            "max(impressions_collector_waiting_bytes / impressions_collector_budget_bytes)",
        ),
        _now(
            "Wait for the broker",
            "How long the oldest line has waited for its acknowledgement. From 5 s on it pages.",
            Look(SECONDS, 1, scale=at_most(SECOND, bad=FIVE_SECONDS)),
            "max(impressions_collector_waiting_seconds)",
        ),
        _now(
            "Collectors ready",
            "Collectors that take requests: the broker acknowledges, and they don't drain. One that is not ready for "
            "two minutes pages.",
            Look(count("collectors"), 0, scale=some_are_needed()),
            "sum(impressions_collector_ready)",
        ),
    ]


def getting_through() -> Row:
    """Whether requests get through, and how fast."""
    return Row(
        "Do requests get through",
        *_figures(),
        areas(
            Head(
                "Requests to record, by their answer",
                "2xx: all of it is in the log. 4xx: refused, and the sections below say why. 5xx: not acknowledged, "
                "to be sent again.",
                (12, 9),
            ),
            Look(rate("requests"), least=0, colours={"2xx": HUES[0], "4xx": HUES[1], "failed by us": BAD}),
            _answered("2..", "2xx"),
            _answered("4..", "4xx"),
            _answered("5..", "failed by us"),
        ),
        lines(
            Head(
                "Time to record",
                "From a request's complete header to its answer. Most of it is the broker's acknowledgement. Target: "
                "P95 below 0.1 s.",
                (12, 9),
            ),
            Look(SECONDS, least=0, scale=FAST, colours=PERCENTILES),
            *percentiles("impressions_collector_request_seconds", '{route="impressions"}'),
        ),
    )


def _answered(status: str, legend: str) -> Dataquery:
    labels = f'{{route="impressions",status=~"{status}"}}'
    return metric(f"sum(rate(impressions_collector_requests_total{labels}[$__rate_interval])) or vector(0)", legend)


def dashboard() -> model.Dashboard:
    """Return the dashboard."""
    # As on the pipeline: fifty queries every ten seconds are a load, so only the first row asks without a click.
    sections = [incoming(), refusals(), log(), reads(), clients(), processes()]
    return build(
        PAGE,
        [variables.clickhouse(), variables.prometheus()],
        [getting_through(), *(section(each) for each in sections)],
    )
