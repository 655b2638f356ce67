"""What comes in at the edge, and what of it is refused."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import BAD, ENDS, HUES, NOT_NOW, QUIET, ROUTES, TOKEN_FAILURES, TOO_MUCH
from dashboards.source.layout import Row
from dashboards.source.look import Head, Look
from dashboards.source.overrides import by_instance, dashed
from dashboards.source.panels import areas, lines
from dashboards.source.promql import mean, percentile, rates, whole
from dashboards.source.queries import metric
from dashboards.source.units import Unit, count, rate

BYTES_A_SECOND = Unit("Bps")
# The worker's reasons, and the one that only a door has.
REJECTED = dict(zip(("malformed", "invalid", "oversize", "future", "late", "unauthorised"), HUES, strict=False))


def _amounts() -> list[model.Panel]:
    return [
        areas(
            Head(
                "Requests, by route",
                "Everything that was asked, browsers' preflights and health checks included.",
                (8, 8),
            ),
            Look(rate("requests"), least=0, colours=ROUTES),
            rates("impressions_collector_requests_total", "route"),
        ),
        lines(
            Head(
                "Impressions, by outcome",
                "As the answers say it. The worker may still find some of the accepted ones to be duplicates.",
                (8, 8),
            ),
            Look(rate("impressions"), least=0, colours={"accepted": HUES[0], "rejected": BAD}),
            rates("impressions_collector_impressions_total", "outcome"),
        ),
        lines(
            Head(
                "Bodies, as sent and inflated",
                "What compression saves is the distance between the two.",
                (8, 8),
            ),
            Look(BYTES_A_SECOND, least=0, colours={"sent": HUES[0], "inflated": HUES[1]}, overrides=dashed("inflated")),
            rates("impressions_collector_received_bytes_total", "form"),
        ),
    ]


def _connections() -> list[model.Panel]:
    return [
        lines(
            Head("Connections that are open", "Most are idle, and are kept for the next request.", (8, 8)),
            Look(count("connections"), least=0, hues=by_instance()),
            metric("impressions_collector_connections", "{{job}} {{instance}}"),
        ),
        lines(
            Head(
                "Connections that ended, by reason",
                "Closed is the rule, and idle the collector's own limit. Reset: the other side, or what is between, "
                "gave up. Many that end by a time limit are slow on purpose.",
                (8, 8),
            ),
            Look(rate("connections"), least=0, colours=ENDS),
            rates("impressions_collector_connections_ended_total", "reason"),
        ),
        lines(
            Head(
                "Lines in a record",
                "How many flushes a record holds: one while the log is idle, more while the broker is busy.",
                (8, 8),
            ),
            Look(count("lines"), least=0, colours={"mean": HUES[0], "P95": HUES[1]}),
            mean("impressions_collector_record_lines", "mean"),
            whole(percentile("impressions_collector_record_lines", "P95", "P95")),
        ),
    ]


def incoming() -> Row:
    """How much comes, over how many connections."""
    return Row("What comes in", *_amounts(), *_connections())


def _refused(title: str, description: str, names: dict[str, str]) -> model.Panel:
    one_of = "|".join(names)
    return lines(
        Head(title, description, (12, 9)),
        Look(rate("requests"), least=0, soft_most=0.1, colours=names),
        rates(f'impressions_collector_refused_requests_total{{reason=~"{one_of}"}}', "reason"),
    )


def _pieces() -> list[model.Panel]:
    return [
        lines(
            Head(
                "Rejected in answers, by reason",
                "Lines and impressions that an answer named as rejected. All but the unauthorised ones are in the log "
                "too, and in `rejected`.",
                (8, 8),
            ),
            Look(rate("pieces"), least=0, soft_most=0.1, colours=REJECTED),
            rates("impressions_collector_rejected_total", "reason"),
        ),
        lines(
            Head(
                "Lines without a user, by reason",
                "Lines that name no valid user: no partition is theirs, so they are refused here and not in the log.",
                (8, 8),
            ),
            Look(rate("lines"), least=0, soft_most=0.1, colours=REJECTED),
            rates("impressions_collector_unnamed_lines_total", "reason"),
        ),
        lines(
            Head(
                "Too many requests, and bots",
                "Requests answered with 429 because of their address or user, and those of what says itself that it is "
                "a bot: they are recorded like any other.",
                (8, 8),
            ),
            Look(
                rate("requests"), least=0, soft_most=0.1, colours={"address": HUES[0], "user": HUES[1], "bots": QUIET}
            ),
            rates("impressions_collector_limited_requests_total", "kind"),
            metric("sum(rate(impressions_collector_bot_requests_total[$__rate_interval]))", "bots"),
        ),
    ]


def refusals() -> Row:
    """What is refused, and why."""
    return Row(
        "What is refused",
        _refused(
            "Refused for their size or time, by reason",
            "Requests that cost more than they may: bytes of the header or body, flushes, and time without an end.",
            TOO_MUCH,
        ),
        _refused(
            "Refused otherwise, by reason",
            "Requests that can't be read, whose page or token may not record, that are too many (limit), or that came "
            "while too much waited (budget) or the broker did not acknowledge.",
            NOT_NOW,
        ),
        *_pieces(),
        lines(
            Head(
                "Requests that no token authorised, by reason",
                "Many that expired at once: the clock of whoever issues them is wrong. A key that is not known: it was "
                "rotated before the collector had the new one.",
                (24, 7),
            ),
            Look(rate("requests"), least=0, soft_most=0.1, colours=TOKEN_FAILURES),
            rates("impressions_collector_token_failures_total", "reason"),
        ),
    )
