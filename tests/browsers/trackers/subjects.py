"""The trackers as subjects of the browser matrix."""

from tests.browsers.subjects import SUBJECTS, Subject, declare_subject
from tests.browsers.trackers.packages import FOLDER, bundles
from tests.browsers.trackers.stub import flushes, stub
from tests.browsers.trackers.vendors import VENDORS

# How long to wait for a tracker, in a scenario, and at its end after one more visit (s). RudderStack takes over a dead
# page's queue after some 15 s, and doubles its delay from 1 s on; so does Segment, from 0.5 s, and PostHog, from 3 s,
# with what it holds in memory; Snowplow sends what it stored with the next event; Plausible never sends again.
PATIENCE = {
    "posthog": (12.0, 30.0),
    "segment": (10.0, 20.0),
    "snowplow": (6.0, 8.0),
    "rudder": (15.0, 40.0),
    "plausible": (4.0, 0.0),
}
INLINE = "about a configuration that is fetched; the tracker was given its own with the page"
SKIPS = {
    **dict.fromkeys(("config that fails", "config that hangs", "config that is nonsense"), INLINE),
    **dict.fromkeys(
        ("a byte less than 64 KiB", "64 KiB exactly", "a byte more than 64 KiB"),
        "about the bytes of one request that holds all; the tracker compresses, or sends each event by itself",
    ),
    "rubbish under our names": "about keys that only our recorder uses",
}


def declare_trackers() -> None:
    """Declare each as a subject, unless it is."""
    for vendor in VENDORS:
        if vendor.name not in SUBJECTS:
            declare_subject(
                Subject(
                    name=vendor.name,
                    folder=FOLDER / "bundle",
                    scripts=(f"{vendor.name}.js",),
                    patience=PATIENCE[vendor.name][0],
                    come_back=PATIENCE[vendor.name][1],
                    skips=SKIPS,
                    stub=stub(vendor.name),
                    flushes=flushes(vendor.name),
                    version=f"{vendor.package} {vendor.version}",
                    prepare=bundles,
                )
            )
