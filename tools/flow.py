"""Draws docs/flow.svg, the picture of the architecture and of the site's first page: `python -m tools.flow`."""

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 1175, 370
INK, LINE, PAPER, SOFT, ACCENT = "#1f2933", "#7b8794", "#ffffff", "#f0f4f8", "#dbeafe"

# x, y, width, height, title, lines, fill
BOXES = [
    (15, 30, 170, 90, "producers", ["the SDK", "impressions produce", "any Kafka client"], SOFT),
    (15, 138, 170, 66, "browsers, backends", ["record and ask over HTTP"], SOFT),
    (
        245,
        100,
        170,
        109,
        "collector",
        ["2xx: the brokers have it", "limits, tokens", "coverage, unseen, history"],
        SOFT,
    ),
    (
        480,
        30,
        190,
        126,
        "impressions.v1",
        ["flushes, one a line", "4 partitions by user", "broker's time of arrival", "retries, double fires, tabs"],
        ACCENT,
    ),
    (
        730,
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
        730,
        230,
        220,
        114,
        "state",
        ["RocksDB, beside the worker", "two changelogs", "and the position, all in", "the same transaction"],
        SOFT,
    ),
    (1010, 30, 150, 126, "outcome topics", ["accepted", "ledger", "rejected", "coverage"], ACCENT),
    (1010, 230, 150, 66, "sink", ["block, token, commit"], SOFT),
    (
        480,
        230,
        190,
        110,
        "ClickHouse",
        ["impressions · user_coverage", "ledger · rejected · artworks", "exact at the first read"],
        ACCENT,
    ),
    (15, 265, 170, 80, "analysts", ["clickhouse-connect, curl", "(read only)"], SOFT),
]
ARROWS = [
    (185, 60, 480, 60),
    (185, 171, 245, 171),
    (415, 130, 480, 130),
    (670, 93, 730, 93),
    (840, 156, 840, 230),
    (950, 93, 1010, 93),
    (1085, 156, 1085, 230),
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
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="How an impression travels">'
    ]
    parts.append(f'<defs>{head}</defs><rect width="100%" height="100%" fill="{PAPER}"/>')
    parts += [box(*each) for each in BOXES]
    parts += [arrow(f"M{x1} {y1}L{x2} {y2}") for x1, y1, x2, y2 in ARROWS]
    # The arrow from the sink to ClickHouse runs below the state; those back to readers are ClickHouse's answers.
    parts.append(arrow("M1085 296L1085 360L575 360L575 340"))
    parts.append(arrow("M480 260L330 260L330 209"))
    parts.append(arrow("M480 312L185 312"))
    parts.append("</svg>")
    return "".join(parts)


if __name__ == "__main__":
    (Path(__file__).resolve().parents[1] / "docs" / "flow.svg").write_text(draw() + "\n")
