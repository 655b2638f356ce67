"""How much gzip saves, by the number of impressions in a flush, with Chromium's own CompressionStream."""

import time
from random import Random
from typing import Any

from bench.recorder.browser import Chromium
from bench.recorder.text import LEAST_BYTES, STOP, body_of, packed

SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 200, 300, 500)
ZIP = """
    const stream = new Blob([args[0]]).stream().pipeThrough(new CompressionStream("gzip"));
    return (await new Response(stream).arrayBuffer()).byteLength;
"""


def measure(browser: Chromium, origin: str) -> list[dict[str, Any]]:
    """Return for each size the bytes of the raw body, compressed by Chromium, and by zlib as the model has it."""
    browser.open(f"{origin}/page.html")
    now = time.time_ns() // 1_000_000
    found = []
    for impressions in SIZES:
        text = body_of(impressions, STOP, now, Random(impressions))
        raw, zipped = len(text.encode()), browser.run(ZIP, text)
        modelled = len(packed(text))
        found.append(
            {
                "impressions": impressions,
                "raw_bytes": raw,
                "gzip_bytes": zipped,
                "sent_bytes": zipped if raw >= LEAST_BYTES else raw,
                "modelled_bytes": modelled,
            }
        )
    return found
