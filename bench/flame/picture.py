"""A flame graph as SVG: who called whom from the bottom up, as wide as its share of the samples."""

from collections.abc import Iterator
from html import escape

from bench.flame.stacks import Node, Whose

WIDTH, ROW, TOP, BOTTOM = 1200, 17, 46, 10
# Narrower frames can't be read or pointed at (pixels).
LEAST_WIDTH = 0.6
LEAST_TEXT_WIDTH = 24
# The average width in a font of 11 pixels.
LETTER_WIDTH = 6.2
COLORS = {Whose.OURS: "#f28e2b", Whose.PACKAGE: "#f6d55c", Whose.STDLIB: "#8fc98f", Whose.NATIVE: "#8db3d9"}


def svg(root: Node, title: str) -> Iterator[str]:
    """Yield the picture's lines. Pointing at a frame shows its name and share."""
    scale = WIDTH / max(1, root.count)
    height = TOP + BOTTOM + ROW * (_depth(root, scale) + 1)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="11">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    yield f'<text x="6" y="18" font-size="14">{escape(title)}</text>'
    for number, (whose, color) in enumerate(COLORS.items()):
        x = 6 + 160 * number
        yield f'<rect x="{x}" y="27" width="11" height="11" fill="{color}"/><text x="{x + 16}" y="37">{whose}</text>'
    yield from _frames(root, 0.0, height - BOTTOM - ROW, scale, root.count)
    yield "</svg>"


def _depth(node: Node, scale: float) -> int:
    return max(
        (1 + _depth(each, scale) for each in node.calls.values() if each.count * scale >= LEAST_WIDTH), default=0
    )


def _frames(node: Node, x: float, y: int, scale: float, total: int) -> Iterator[str]:
    width = node.count * scale
    frame = node.frame
    name = f"{frame.function} ({frame.module})"
    text = ""
    if width >= LEAST_TEXT_WIDTH:
        room = int((width - 4) / LETTER_WIDTH)
        shown = frame.function if len(frame.function) <= room else f"{frame.function[: max(0, room - 1)]}…"
        text = f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(shown)}</text>'
    size = f'width="{max(0.3, width - 0.4):.1f}" height="{ROW - 1}"'
    yield (
        f"<g><title>{escape(name)}: {node.count / total:.1%}</title>"
        f'<rect x="{x:.1f}" y="{y}" {size} fill="{COLORS[frame.whose]}"/>'
        f"{text}</g>"
    )
    for each in sorted(node.calls.values(), key=lambda each: (each.frame.module, each.frame.function)):
        if each.count * scale >= LEAST_WIDTH:
            yield from _frames(each, x, y - ROW, scale, total)
        x += each.count * scale
