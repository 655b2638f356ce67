// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
import { mix } from "../colour.js";

/** Threads on a grid of turning and crossing tiles; each thread keeps its colour. @type {Draw} */
export function weaves(context, { width, height, random, palette }) {
  const across = random.whole(4, 8);
  const size = Math.min(width, height) / across;
  // An odd rest is cut off evenly at both sides.
  const [columns, rows] = [Math.ceil(width / size - 0.01), Math.ceil(height / size - 0.01)];
  const ground = palette.dark || random.chance(0.6) ? palette.paper : mix(palette.ink, palette.hues[1], 0.2);
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  const crossings = random.between(0.05, 0.35);
  /** 0 and 1 turn, 2 and 3 cross. @type {number[]} */
  const kinds = Array.from({ length: columns * rows }, () =>
    random.chance(crossings) ? random.whole(2, 3) : random.whole(0, 1),
  );
  const threads = new Threads(columns, rows, kinds);
  const hues = random.shuffled(palette.hues.filter((hue) => hue !== ground));
  const thick = size * random.between(0.34, 0.56);
  const strokes = layers(thick, size, random.whole(0, 3));
  context.translate((width - columns * size) / 2, (height - rows * size) / 2);
  for (let tile = 0; tile < kinds.length; tile++) {
    const [column, row] = [tile % columns, Math.floor(tile / columns)];
    for (const pair of pairs(kinds[tile])) {
      const hue = hues[threads.of(column, row, pair[0]) % hues.length];
      context.lineCap = "butt";
      let on = -1;
      for (const [wide, colour] of strokes) {
        context.lineWidth = wide;
        context.strokeStyle = colour === "hue" ? hue : ground;
        strand(context, column * size, row * size, size, pair, on);
        // Into the next tile, each stroke a little further than the one below it, lest a seam shows between tiles.
        on += on < 0 ? 2.5 : 1;
      }
    }
  }
}

/**
 * From the widest to the narrowest: a gap to what lies below, the thread, and its stripes, which leave two edges each.
 * @type {(thick: number, size: number, lines: number) => [number, "hue" | "ground"][]}
 */
function layers(thick, size, lines) {
  /** @type {[number, "hue" | "ground"][]} */
  const found = [
    [thick + size * 0.1, "ground"],
    [thick, "hue"],
  ];
  for (let line = 1; line <= lines; line++) {
    const wide = thick * (1 - (2 * line - 0.9) / (2 * lines + 1.2));
    found.push([wide, "ground"], [wide - thick * 0.1, "hue"]);
  }
  return found;
}

/** Sides: 0 top, 1 right, 2 bottom, 3 left. @type {(kind: number) => number[][]} */
function pairs(kind) {
  return [
    [
      [0, 3],
      [1, 2],
    ],
    [
      [0, 1],
      [2, 3],
    ],
    [
      [0, 2],
      [1, 3],
    ],
    [
      [1, 3],
      [0, 2],
    ],
  ][kind];
}

/** @type {(context: Context, x: number, y: number, size: number, pair: number[], on: number) => void} */
function strand(context, x, y, size, [from, to], on) {
  const half = size / 2;
  context.beginPath();
  if (from === 0 && to === 2) {
    context.moveTo(x + half, y - on);
    context.lineTo(x + half, y + size + on);
  } else if (from === 1 && to === 3) {
    context.moveTo(x - on, y + half);
    context.lineTo(x + size + on, y + half);
  } else {
    const right = from === 1 || to === 1;
    const bottom = from === 2 || to === 2;
    const start = right ? (bottom ? Math.PI : Math.PI / 2) : bottom ? -Math.PI / 2 : 0;
    context.arc(
      x + (right ? size : 0),
      y + (bottom ? size : 0),
      half,
      start - on / half,
      start + Math.PI / 2 + on / half,
    );
  }
  context.stroke();
}

/** Which thread passes through a side of a tile: sides that are joined have the same number. */
class Threads {
  /**
   * @param {number} columns
   * @param {number} rows
   * @param {number[]} kinds
   */
  constructor(columns, rows, kinds) {
    this.columns = columns;
    /** @type {number[]} */
    this.parents = Array.from({ length: 2 * (columns + 1) * (rows + 1) }, (_, n) => n);
    kinds.forEach((kind, tile) => {
      const [column, row] = [tile % columns, Math.floor(tile / columns)];
      for (const [from, to] of pairs(kind)) {
        this.parents[this.of(column, row, from)] = this.of(column, row, to);
      }
    });
  }

  /** @type {(column: number, row: number, side: number) => number} */
  of(column, row, side) {
    const right = side === 1 ? 1 : 0;
    const below = side === 2 ? 1 : 0;
    let at = 2 * ((row + below) * (this.columns + 1) + column + right) + (side % 2);
    while (this.parents[at] !== at) at = this.parents[at];
    return at;
  }
}
