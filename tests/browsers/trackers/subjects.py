"""The trackers as subjects of the browser matrix."""

from tests.browsers.subjects import SUBJECTS, Subject, declare_subject
from tests.browsers.trackers.packages import FOLDER, bundles
from tests.browsers.trackers.stub import flushes, stub
from tests.browsers.trackers.vendors import VENDORS

# How long to wait for a tracker to send again what it kept (s). RudderStack takes over a dead page's queue after some
# 15 s; Segment's retries begin at once; Snowplow's come with the next event; PostHog retries what it holds in memory
# after 3 to 12 s; Plausible never sends again.
PATIENCE = {"posthog": 15.0, "segment": 10.0, "snowplow": 10.0, "rudder": 25.0, "plausible": 4.0}


def declare_trackers() -> None:
    """Declare each as a subject, unless it is."""
    for vendor in VENDORS:
        if vendor.name not in SUBJECTS:
            declare_subject(
                Subject(
                    name=vendor.name,
                    folder=FOLDER / "bundle",
                    scripts=(f"{vendor.name}.js",),
                    patience=PATIENCE[vendor.name],
                    stub=stub(vendor.name),
                    flushes=flushes(vendor.name),
                    version=f"{vendor.package} {vendor.version}",
                    prepare=bundles,
                )
            )
