// @ts-check
/** Smooth noise: a landscape without end, of heights from -1 to 1. */

/** @typedef {(x: number, y: number) => number} Noise */

const SIZE = 256;

/** @param {number} t */
const smooth = (t) => t * t * t * (t * (6 * t - 15) + 10);

/**
 * Gradient noise: each corner of a grid has a direction, and between corners their slopes are blended.
 * @param {import("./random.js").Random} random
 * @returns {Noise}
 */
export function noise(random) {
  const angles = Float64Array.from({ length: SIZE }, () => 2 * Math.PI * random.unit());
  const order = random.shuffled(Array.from({ length: SIZE }, (_, n) => n));
  const [east, south] = [angles.map(Math.cos), angles.map(Math.sin)];
  /** @type {(column: number, row: number, x: number, y: number) => number} */
  const slope = (column, row, x, y) => {
    const corner = order[(order[column & (SIZE - 1)] + row) & (SIZE - 1)];
    return east[corner] * x + south[corner] * y;
  };
  return (x, y) => {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [dx, dy] = [x - column, y - row];
    const [u, v] = [smooth(dx), smooth(dy)];
    const top = slope(column, row, dx, dy) * (1 - u) + slope(column + 1, row, dx - 1, dy) * u;
    const bottom = slope(column, row + 1, dx, dy - 1) * (1 - u) + slope(column + 1, row + 1, dx - 1, dy - 1) * u;
    return 1.5 * (top * (1 - v) + bottom * v);
  };
}

/**
 * The same landscape with hills on its hills: each octave twice as fine, and half as high.
 * @param {Noise} base
 * @param {number} octaves
 * @returns {Noise}
 */
export function rough(base, octaves) {
  return (x, y) => {
    let [sum, scale, height] = [0, 1, 0.6];
    for (let octave = 0; octave < octaves; octave++) {
      sum += height * base(x * scale + 17 * octave, y * scale - 31 * octave);
      scale *= 2;
      height /= 2;
    }
    return sum;
  };
}
