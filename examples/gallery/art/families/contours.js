// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
import { lightness, mix, warmest } from "../colour.js";
import { noise, rough } from "../noise.js";

const CELL = 9;

/** The height lines of a land that nobody surveyed. @type {Draw} */
export function contours(context, { width, height, random, palette }) {
  const land = rough(noise(random), 3);
  const scale = random.between(420, 800);
  const stretch = random.between(0.75, 1.35);
  const [columns, rows] = [Math.ceil(width / CELL) + 1, Math.ceil(height / CELL) + 1];
  const heights = Float64Array.from({ length: columns * rows }, (_, n) =>
    land(((n % columns) * CELL) / scale, (Math.floor(n / columns) * CELL * stretch) / scale),
  );
  const tinted = random.chance(0.6);
  const byLight = [...palette.hues].sort((a, b) => lightness(b) - lightness(a));
  const [low, high] = palette.dark ? [palette.paper, byLight[1]] : [palette.paper, byLight[random.whole(2, 3)]];
  context.fillStyle = tinted ? low : palette.paper;
  context.fillRect(0, 0, width, height);
  if (tinted) {
    const bands = random.whole(4, 7);
    for (let band = 1; band <= bands; band++) {
      context.fillStyle = mix(low, high, (0.85 * band) / bands);
      above(context, heights, columns, rows, -0.42 + (0.95 * band) / (bands + 1));
    }
  }
  const lines = random.whole(16, 26);
  const ink = tinted ? mix(palette.ink, high, 0.25) : mix(palette.ink, palette.hues[0], 0.35);
  context.lineJoin = "round";
  for (let line = 0; line < lines; line++) {
    const main = line % 5 === 2;
    context.strokeStyle = main ? ink : mix(ink, tinted ? high : palette.paper, 0.42);
    context.lineWidth = main ? 2.6 : 1.25;
    context.beginPath();
    along(context, heights, columns, rows, -0.75 + (1.5 * line) / lines);
    context.stroke();
  }
  const top = summit(heights, columns, rows);
  context.fillStyle = warmest(palette.hues);
  context.beginPath();
  context.arc((top % columns) * CELL, Math.floor(top / columns) * CELL, 9, 0, 7);
  context.fill();
}

/**
 * The highest point that is not near an edge.
 * @type {(heights: Float64Array, columns: number, rows: number) => number}
 */
function summit(heights, columns, rows) {
  let best = -1;
  for (let row = 12; row < rows - 12; row++) {
    for (let column = 12; column < columns - 12; column++) {
      const at = row * columns + column;
      if (best < 0 || heights[at] > heights[best]) best = at;
    }
  }
  return best;
}

/**
 * The corners of a cell, clockwise, and for each side where the level crosses it.
 * @type {(heights: Float64Array, columns: number, at: number, level: number) => {x: number, y: number,
 *   over: boolean, cross: boolean}[]}
 */
function outline(heights, columns, at, level) {
  const corners = [at, at + 1, at + columns + 1, at + columns];
  const points = [];
  for (let n = 0; n < 4; n++) {
    const [from, to] = [corners[n], corners[(n + 1) % 4]];
    const [here, there] = [heights[from], heights[to]];
    const [x, y] = [(from % columns) * CELL, Math.floor(from / columns) * CELL];
    points.push({ x, y, over: here > level, cross: false });
    if (here > level !== there > level) {
      const share = (level - here) / (there - here);
      const dx = ((to % columns) - (from % columns)) * CELL;
      const dy = (Math.floor(to / columns) - Math.floor(from / columns)) * CELL;
      points.push({ x: x + share * dx, y: y + share * dy, over: true, cross: true });
    }
  }
  return points;
}

/** @type {(heights: Float64Array, columns: number, at: number, level: number) => number} */
function over(heights, columns, at, level) {
  return (
    Number(heights[at] > level) +
    Number(heights[at + 1] > level) +
    Number(heights[at + columns] > level) +
    Number(heights[at + columns + 1] > level)
  );
}

/**
 * Add the lines of one level to the path.
 * @type {(context: Context, heights: Float64Array, columns: number, rows: number, level: number) => void}
 */
function along(context, heights, columns, rows, level) {
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const at = row * columns + column;
      if (over(heights, columns, at, level) % 4 === 0) continue;
      const crossings = outline(heights, columns, at, level).filter((point) => point.cross);
      for (let n = 0; n + 1 < crossings.length; n += 2) {
        context.moveTo(crossings[n].x, crossings[n].y);
        context.lineTo(crossings[n + 1].x, crossings[n + 1].y);
      }
    }
  }
}

/**
 * Fill what lies above a level.
 * @type {(context: Context, heights: Float64Array, columns: number, rows: number, level: number) => void}
 */
function above(context, heights, columns, rows, level) {
  context.beginPath();
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const at = row * columns + column;
      const corners = over(heights, columns, at, level);
      if (corners === 4) {
        const from = column;
        while (column < columns - 2 && over(heights, columns, row * columns + column + 1, level) === 4) column++;
        // A little overlap, lest a line of background shows between two rows.
        context.rect(from * CELL, row * CELL, (column - from + 1) * CELL + 0.4, CELL + 0.4);
      } else if (corners > 0) {
        const points = outline(heights, columns, at, level).filter((point) => point.over);
        points.forEach(({ x, y }, n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
        context.closePath();
      }
    }
  }
  context.fill();
}
