"""The catalogue as workers know it: artworks, what was refused, and what is shown although nobody catalogued it."""

from grafana_foundation_sdk.models import dashboard as model

from dashboards.source.colours import HUES, MISSED
from dashboards.source.look import Head, Look
from dashboards.source.panels import lines, number
from dashboards.source.queries import metric, now
from dashboards.source.scales import plain, zero_is_right
from dashboards.source.units import count


def known(width: int) -> model.Panel:
    """How many artworks are catalogued."""
    return number(
        Head("Artworks known", "Artworks in the workers' catalogue, retired ones included.", (width, 4)),
        Look(count("artworks"), 0, scale=plain()),
        now("max(impressions_catalogue_artworks)", "artworks"),
    )


def catalogue_refused(width: int) -> model.Panel:
    """How many records of the catalogue were refused."""
    return number(
        Head(
            "Catalogue records refused",
            "Records of artworks.v1 that change or reuse an ordinal or can't be read, since workers were started. An "
            "alert is raised.",
            (width, 4),
        ),
        Look(count("records"), 0, scale=zero_is_right(MISSED)),
        now("max(impressions_catalogue_refused_total)", "refused"),
    )


def uncatalogued(width: int, height: int = 4) -> model.Panel:
    """How many artworks are shown that nobody has catalogued."""
    return number(
        Head(
            "Artworks uncatalogued",
            "Artworks that users were shown since a worker was started and that no catalogue record has named: they "
            "count in the coverage of no pool. Above 0 for 15 minutes an alert is raised; a worker counts at most "
            "10,000.",
            (width, height),
        ),
        Look(count("artworks"), 0, scale=zero_is_right(MISSED)),
        now("max(impressions_uncatalogued_artworks)", "artworks"),
    )


def uncatalogued_over_time(size: tuple[int, int]) -> model.Panel:
    """How many impressions of such artworks come, and of how many artworks."""
    return lines(
        Head(
            "Uncatalogued: artworks, and impressions a minute",
            "Artworks that are shown and that no catalogue record has named yet, and the accepted impressions of such "
            "ones a minute: in no pool's coverage until `impressions catalogue load` names them.",
            size,
        ),
        Look(
            count("number"),
            least=0,
            soft_most=10,
            colours={"artworks": HUES[0], "impressions a minute": HUES[1]},
        ),
        metric("max(impressions_uncatalogued_artworks)", "artworks"),
        metric("60 * sum(rate(impressions_worker_uncatalogued_total[$__rate_interval]))", "impressions a minute"),
        calcs=("max", "lastNotNull"),
    )
