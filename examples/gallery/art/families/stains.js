// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
/** @import { Noise } from "../noise.js" */
/** @import { Random } from "../random.js" */
import { clear } from "../colour.js";
import { noise } from "../noise.js";

/** Drops of watercolour that ran into each other. @type {Draw} */
export function stains(context, { width, height, random, palette }) {
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, width, height);
  const edge = noise(random);
  const hues = random.shuffled(palette.hues).slice(0, random.whole(2, 4));
  const short = Math.min(width, height);
  const spots = arranged(random, width, height, short);
  context.globalCompositeOperation = palette.dark ? "screen" : "multiply";
  spots.forEach(([x, y, radius], n) => {
    const hue = hues[n % hues.length];
    const rough = random.between(0.05, 0.13);
    for (let layer = 0; layer < 9; layer++) {
      context.fillStyle = clear(hue, 0.105);
      blot(context, edge, x, y, radius * (1 - 0.012 * layer), rough, 10 * n + 0.32 * layer);
      context.fill();
    }
    // Where a drop dries, its colour gathers at the rim.
    context.strokeStyle = clear(hue, 0.35);
    context.lineWidth = 1.6;
    blot(context, edge, x, y, radius, rough, 10 * n);
    context.stroke();
    for (let drop = random.whole(0, 4); drop > 0; drop--) {
      const [angle, away] = [random.between(0, 6.3), radius * random.between(1.06, 1.35)];
      context.fillStyle = clear(hue, 0.55);
      blot(context, edge, x + away * Math.cos(angle), y + away * Math.sin(angle), random.between(1.5, 7), 0.2, drop);
      context.fill();
    }
  });
  context.globalCompositeOperation = "source-over";
}

/** @type {(random: Random, width: number, height: number, short: number) => number[][]} */
function arranged(random, width, height, short) {
  const centre = [width / 2, height / 2];
  const kind = random.whole(0, 2);
  if (kind === 0) {
    const [count, radius] = [random.whole(5, 8), short * 0.19];
    const [ring, turn] = [short * 0.23, random.between(0, 6)];
    return Array.from({ length: count }, (_, n) => {
      const angle = turn + (n * 2 * Math.PI) / count;
      return [
        centre[0] + ring * Math.cos(angle),
        centre[1] + ring * Math.sin(angle),
        radius * random.between(0.85, 1.15),
      ];
    });
  }
  if (kind === 1) {
    const [columns, rows] = width > height ? [5, 4] : [4, 5];
    const step = Math.min(width / (columns + 0.7), height / (rows + 0.7));
    const left = (width - step * (columns - 1)) / 2;
    const top = (height - step * (rows - 1)) / 2;
    return Array.from({ length: columns * rows }, (_, n) => [
      left + step * (n % columns) + 6 * random.around(),
      top + step * Math.floor(n / columns) + 6 * random.around(),
      step * random.between(0.38, 0.62),
    ]);
  }
  return Array.from({ length: random.whole(3, 6) }, (_, n) => [
    centre[0] + random.around() * width * 0.22,
    centre[1] + random.around() * height * 0.24,
    short * random.between(0.3, 0.34) * (n < 2 ? 1 : random.between(0.3, 0.8)),
  ]);
}

/**
 * @type {(context: Context, edge: Noise, x: number, y: number, radius: number, rough: number,
 *   shift: number) => void}
 */
function blot(context, edge, x, y, radius, rough, shift) {
  context.beginPath();
  for (let n = 0; n < 72; n++) {
    const angle = (n * Math.PI) / 36;
    const [east, south] = [Math.cos(angle), Math.sin(angle)];
    const bump = edge(east + shift, south + shift) + 0.5 * edge(3 * east + shift, 3 * south - shift);
    const reach = radius * (1 + rough * bump);
    context.lineTo(x + reach * east, y + reach * south);
  }
  context.closePath();
}
