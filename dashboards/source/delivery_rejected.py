"""What was rejected, down to the payload of a piece, on the delivery dashboard."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import REASONS as REASONS_COLOURS
from dashboards.source.delivery_sql import LATEST_PIECES, PAYLOAD, REASONS
from dashboards.source.layout import Row
from dashboards.source.links import to_piece, to_user
from dashboards.source.look import Head, Look
from dashboards.source.overrides import named
from dashboards.source.panels import bars, rows_table
from dashboards.source.queries import rows, series
from dashboards.source.units import BYTES, ISO, NONE, count

NOTHING = "Nothing was rejected in the time range"


def _pieces() -> list[model.Panel]:
    return [
        rows_table(
            Head(
                "Latest rejected pieces",
                "The newest first. A click on a piece shows its payload to the right; a click on a user opens "
                "their timeline.",
                (14, 10),
            ),
            Look(
                NONE,
                empty=NOTHING,
                overrides=[
                    named("rejected at", unit=ISO, custom__width=170),
                    named("piece", links=[to_piece()], custom__width=240),
                    named("user", links=[to_user()], custom__width=120),
                    named("reason", custom__width=90),
                    named("length", unit=BYTES, custom__width=80),
                ],
            ),
            rows(LATEST_PIECES),
        ),
        rows_table(
            Head(
                "Payload of a piece",
                "The piece that was chosen in the table or typed in above, else the newest: what is kept of it, so "
                "it can be corrected and replayed. Bytes that are not text are shown as �; at most the first "
                "10,000 bytes.",
                (10, 10),
            ),
            Look(NONE, empty=NOTHING, overrides=[named("field", custom__width=90)]),
            rows(PAYLOAD),
        ),
    ]


def rejections() -> Row:
    """What was rejected, and why, down to each piece."""
    return Row(
        "Rejected",
        bars(
            Head(
                "Rejected pieces, by reason",
                "Impressions, and lines rejected whole, by reason and time of arrival; of all transports and "
                "tiers, since a line that can't be read has none. Malformed, oversize and invalid point to a "
                "defect of a client, future and late to a wrong clock.",
                (12, 9),
            ),
            Look(count("pieces"), least=0, colours=REASONS_COLOURS, empty=NOTHING),
            series("""
                SELECT $__timeInterval(rejected_at) AS time, reason, sum(lines) AS Value
                FROM rejected
                WHERE $__timeFilter(rejected_at)
                GROUP BY time, reason
                ORDER BY time, reason
            """),
        ),
        rows_table(
            Head(
                "Reasons in detail",
                "What was wrong, the most frequent first: `detail` names the field. Long numbers in it are left "
                "out, so the same fault counts as one.",
                (12, 9),
            ),
            Look(
                NONE,
                empty=NOTHING,
                overrides=[
                    named("latest", unit=ISO, custom__width=170),
                    named("reason", custom__width=100),
                    named("pieces", custom__width=80),
                    named("users", custom__width=80),
                ],
            ),
            rows(REASONS),
        ),
        *_pieces(),
    )
