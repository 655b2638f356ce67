"""Draws docs/flow.svg, the picture in the README: `python -m tools.flow`."""

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 1060, 350
INK, LINE, PAPER, SOFT, ACCENT = "#1f2933", "#7b8794", "#ffffff", "#f0f4f8", "#dbeafe"

# x, y, width, height, title, lines, fill
BOXES = [
    (15, 48, 160, 90, "producers", ["the SDK", "impressions produce", "any Kafka client"], SOFT),
    (
        235,
        30,
        190,
        126,
        "impressions.v1",
        ["flushes, one a line", "4 partitions by user", "broker's time of arrival", "retries, double fires, tabs"],
        ACCENT,
    ),
    (
        490,
        30,
        220,
        126,
        "worker (Faust)",
        [
            "a chunk of records at a time:",
            "decode · judge · windowed dedupe",
            "coverage bitmaps",
            "one transaction a chunk",
        ],
        SOFT,
    ),
    (
        490,
        210,
        220,
        114,
        "state",
        ["RocksDB, beside the worker", "two changelogs", "and the position, all in", "the same transaction"],
        SOFT,
    ),
    (775, 30, 150, 126, "outcome topics", ["accepted", "ledger", "rejected", "coverage"], ACCENT),
    (775, 210, 150, 66, "sink", ["block, token, commit"], SOFT),
    (
        235,
        210,
        190,
        110,
        "ClickHouse",
        ["impressions · user_coverage", "ledger · rejected · artworks", "exact at the first read"],
        ACCENT,
    ),
    (15, 225, 160, 80, "analysts", ["clickhouse-connect, curl", "(read only)"], SOFT),
]
ARROWS = [
    (175, 93, 235, 93),
    (425, 93, 490, 93),
    (600, 156, 600, 210),
    (710, 93, 775, 93),
    (850, 156, 850, 210),
]
TEXT = 'font-family="Helvetica,Arial,sans-serif"'


def box(x: int, y: int, width: int, height: int, title: str, lines: list[str], fill: str) -> str:
    """Return a rounded box with a title and lines of text below it."""
    middle = x + width / 2
    parts = [f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{fill}" stroke="{LINE}"/>']
    parts.append(
        f'<text x="{middle}" y="{y + 24}" {TEXT} font-size="15" font-weight="bold" fill="{INK}" text-anchor="middle">{escape(title)}</text>'
    )
    parts += [
        f'<text x="{middle}" y="{y + 46 + 19 * n}" {TEXT} font-size="12" fill="{INK}" text-anchor="middle">{escape(line)}</text>'
        for n, line in enumerate(lines)
    ]
    return "".join(parts)


def arrow(path: str) -> str:
    """Return a line with an arrowhead at its end."""
    return f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.6" marker-end="url(#head)"/>'


def draw() -> str:
    """Return the whole picture."""
    head = f'<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="{INK}"/></marker>'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH - 110} {HEIGHT}" role="img" aria-label="How an impression travels">'
    ]
    parts.append(f'<defs>{head}</defs><rect width="100%" height="100%" fill="{PAPER}"/>')
    parts += [box(*each) for each in BOXES]
    parts += [arrow(f"M{x1} {y1}L{x2} {y2}") for x1, y1, x2, y2 in ARROWS]
    # The arrow from the sink to ClickHouse runs below the state; the one back to a reader is ClickHouse's answer.
    parts.append(arrow("M850 276L850 338L330 338L330 320"))
    parts.append(arrow("M235 265L175 265"))
    parts.append("</svg>")
    return "".join(parts)


if __name__ == "__main__":
    (Path(__file__).resolve().parents[1] / "docs" / "flow.svg").write_text(draw() + "\n")
