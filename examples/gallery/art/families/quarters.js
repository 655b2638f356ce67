// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
import { mix } from "../colour.js";

/** Quarters of circles, and what can be made of them, on a grid. @type {Draw} */
export function quarters(context, { width, height, random, palette }) {
  const size = Math.min(width, height) / random.whole(3, 5);
  const [columns, rows] = [Math.round(width / size), Math.round(height / size)];
  const [wide, tall] = [width / columns, height / rows];
  const colours = [palette.paper, ...palette.hues, mix(palette.paper, palette.hues[1], 0.4)];
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, width, height);
  const quiet = random.between(0.05, 0.25);
  for (let n = 0; n < columns * rows; n++) {
    const [ground, first, second] = random.shuffled(colours);
    const tile = new Path(
      context,
      (n % columns) * wide,
      Math.floor(n / columns) * tall,
      wide,
      tall,
      random.whole(0, 3),
    );
    tile.fill(ground, () => context.rect(-0.5, -0.5, 1, 1));
    if (random.chance(quiet)) continue;
    random.pick(shapes)(tile, first, second, context);
  }
}

/** @typedef {(tile: Path, first: string, second: string, context: Context) => void} Shape */

/** @type {Shape[]} */
const shapes = [
  (tile, first, second, context) => {
    tile.fill(first, () => wedge(context, -0.5, -0.5, 1, 0));
    tile.fill(second, () => wedge(context, -0.5, -0.5, 0.5, 0));
  },
  (tile, first, _, context) => tile.fill(first, () => wedge(context, -0.5, -0.5, 1, 0)),
  (tile, first, second, context) => {
    tile.fill(first, () => context.arc(0, -0.5, 0.5, 0, Math.PI));
    tile.fill(second, () => context.arc(0, 0.5, 0.5, Math.PI, 0));
  },
  (tile, first, second, context) => {
    tile.fill(first, () => context.arc(0, 0, 0.5, 0, 7));
    tile.fill(second, () => context.arc(0, 0, 0.2, 0, 7));
  },
  // A leaf is what two quarters have in common.
  (tile, first, _, context) =>
    tile.fill(first, () => {
      context.arc(-0.5, -0.5, 1, 0, Math.PI / 2);
      context.arc(0.5, 0.5, 1, Math.PI, Math.PI * 1.5);
    }),
  (tile, first, second, context) => {
    for (const [n, radius] of [1, 0.8, 0.6, 0.4, 0.2].entries()) {
      tile.fill(n % 2 ? second : first, () => wedge(context, -0.5, -0.5, radius, 0));
    }
  },
  (tile, first, _, context) => {
    tile.fill(first, () => wedge(context, -0.5, -0.5, 0.5, 0));
    tile.fill(first, () => wedge(context, 0.5, 0.5, 0.5, Math.PI));
  },
];

/** @type {(context: Context, x: number, y: number, radius: number, start: number) => void} */
function wedge(context, x, y, radius, start) {
  context.moveTo(x, y);
  context.arc(x, y, radius, start, start + Math.PI / 2);
}

/** A tile from -0.5 to 0.5, in one of four directions. */
class Path {
  /**
   * @param {Context} context
   * @param {number} x
   * @param {number} y
   * @param {number} wide
   * @param {number} tall
   * @param {number} turn
   */
  constructor(context, x, y, wide, tall, turn) {
    this.context = context;
    // Edges on whole pixels: between them, two neighbours would let a line of what is below through.
    const scale = context.getTransform().a;
    const [left, right, top, bottom] = [x, x + wide, y, y + tall].map((edge) => Math.round(edge * scale) / scale);
    this.place = () => {
      context.translate((left + right) / 2, (top + bottom) / 2);
      context.scale(right - left, bottom - top);
      context.rotate((turn * Math.PI) / 2);
    };
  }

  /** @type {(colour: string, draw: () => void) => void} */
  fill(colour, draw) {
    this.context.save();
    this.place();
    this.context.fillStyle = colour;
    this.context.beginPath();
    draw();
    this.context.fill();
    this.context.restore();
  }
}
