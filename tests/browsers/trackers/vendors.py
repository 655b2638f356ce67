"""The trackers beside which our recorder stands, what each says of duplicates, and how it is configured."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Vendor:
    """A tracker: its npm package, and what its documentation says that matters for reading its figures."""

    name: str
    package: str
    # What the vendor drops duplicates by, "" if by nothing; and where it says so.
    key: str
    key_source: str
    docs: str
    # How it is configured here, in words; the options and their sources stand in adapters/<name>.js.
    configured: str

    @property
    def version(self) -> str:
        """The version that the lock file pins."""
        lock = json.loads((FOLDER / "package-lock.json").read_text())
        version: str = lock["packages"][f"node_modules/{self.package}"]["version"]
        return version


VENDORS = (
    Vendor(
        "posthog",
        "posthog-js",
        "uuid",
        "https://posthog.com/docs/data/ingestion-warnings",
        "https://posthog.com/docs/libraries/js/config",
        "batches every 3 s and a beacon at exit (default), rate limit raised, flags, external scripts and "
        "autocapture off, driven browsers not taken for bots",
    ),
    Vendor(
        "segment",
        "@segment/analytics-next",
        "messageId",
        "https://www.twilio.com/docs/segment/guides/duplicate-data",
        "https://segment.com/docs/connections/sources/catalog/libraries/website/javascript/",
        "each event by itself, `keepalive`, retries from localStorage (default), settings given inline",
    ),
    Vendor(
        "snowplow",
        "@snowplow/browser-tracker",
        "event_id",
        "https://docs.snowplow.io/docs/modeling-your-data/modeling-your-data-with-dbt/package-mechanics/deduplication",
        "https://docs.snowplow.io/docs/sources/web-trackers/configuring-how-events-sent/",
        "POST, buffer of 1 (recommended), `keepalive`, event store in localStorage and retries (default)",
    ),
    Vendor(
        "rudder",
        "@rudderstack/analytics-js",
        "messageId",
        "https://www.rudderstack.com/docs/user-guides/administrators-guide/deduplication/",
        "https://www.rudderstack.com/docs/sources/event-streams/sdks/rudderstack-javascript-sdk/load-js-sdk/",
        "the export that bundles its plugins, XHR from a queue in localStorage with ten attempts (default), "
        "source configuration given inline",
    ),
    Vendor(
        "plausible",
        "@plausible-analytics/tracker",
        "",
        "",
        "https://plausible.io/docs/custom-event-goals",
        "its default, one fetch with `keepalive` for each event; no page views",
    ),
)
BY_NAME = {vendor.name: vendor for vendor in VENDORS}
