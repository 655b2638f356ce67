"""Every page that the collector has beside `POST /v1/impressions`, from its settings."""

from collections.abc import Callable
from pathlib import Path

from starlette.routing import BaseRoute

from streams.collector.http import docs, gallery, health, recorder
from streams.collector.http.who import claims
from streams.collector.reads import api, config, openapi
from streams.collector.reads.service import Reads
from streams.collector.rules.tokens import Tokens
from streams.metrics.base import COLLECTOR
from streams.settings import Settings


def routes(
    settings: Settings,
    tokens: Tokens | None,
    reads: Reads | None,
    why_not_ready: Callable[[], str | None],
    recorder_files: Path,
) -> list[BaseRoute]:
    """Return the routes; without `reads`, only a user's configuration is to be read.

    Raises UserError for a gallery that isn't a folder.
    """
    who = claims(tokens)
    return [
        *health.routes(why_not_ready, COLLECTOR),
        *docs.routes(openapi.paths() if reads is not None else openapi.config()),
        *config.routes(settings, who),
        *(api.routes(reads, who) if reads is not None else []),
        *recorder.routes(recorder_files),
        *gallery.routes(settings.collector_gallery),
    ]
