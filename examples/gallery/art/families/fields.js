// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
/** @import { Noise } from "../noise.js" */
/** @import { Random } from "../random.js" */
import { clear, mix } from "../colour.js";
import { noise } from "../noise.js";

/** Two or three fields of colour with soft, brushed edges. @type {Draw} */
export function fields(context, { width, height, random, palette }) {
  const hues = random.shuffled([...palette.hues, palette.dark ? palette.ink : palette.hues[0]]);
  const ground = palette.dark
    ? mix(palette.paper, hues[0], 0.25)
    : mix(palette.paper, hues[0], random.between(0.15, 0.85));
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  const edge = noise(random);
  brush(context, edge, random, -20, -20, width + 40, height + 40, mix(ground, palette.ink, 0.08), 0.1);
  const border = Math.min(width, height) * random.between(0.07, 0.11);
  const cuts = random.pick([
    [0, 1],
    [0, random.between(0.3, 0.7), 1],
    [0, 0.28, 0.74, 1],
    [0, 0.5, 0.64, 1],
  ]);
  const [top, tall, gap] = [border, height - 2 * border, random.between(16, 34)];
  for (let n = 0; n + 1 < cuts.length; n++) {
    const from = top + tall * cuts[n] + (n ? gap / 2 : 0);
    const to = top + tall * cuts[n + 1] - (n + 2 < cuts.length ? gap / 2 : 0);
    const hue = hues[(n + 1) % hues.length] === ground ? hues[0] : hues[(n + 1) % hues.length];
    soft(context, border, from, width - 2 * border, to - from, hue);
    for (const [colour, strength] of [
      [mix(hue, palette.paper, 0.15), 0.16],
      [mix(hue, palette.ink, 0.25), 0.07],
      [mix(hue, palette.paper, 0.45), 0.1],
    ]) {
      brush(context, edge, random, border, from, width - 2 * border, to - from, String(colour), Number(strength));
    }
  }
}

/**
 * A field whose edges are not sharp.
 * @type {(context: Context, left: number, top: number, wide: number, tall: number, colour: string) => void}
 */
function soft(context, left, top, wide, tall, colour) {
  context.fillStyle = clear(colour, 0.17);
  for (let inset = -9; inset <= 13; inset += 2) {
    context.beginPath();
    context.roundRect(left + inset, top + inset, wide - 2 * inset, tall - 2 * inset, 14);
    context.fill();
  }
}

/**
 * Strokes from left to right that end unevenly.
 * @type {(context: Context, edge: Noise, random: Random, left: number,
 *   top: number, wide: number, tall: number, colour: string, strength: number) => void}
 */
function brush(context, edge, random, left, top, wide, tall, colour, strength) {
  const shift = random.between(0, 90);
  for (let y = top; y < top + tall; y += 4) {
    const within = Math.min(y - top, top + tall - y);
    const near = Math.max(0, 1 - within / 26);
    const opacity = strength * random.between(0.5, 1) * (1 - 0.8 * near);
    const begin = left + 5 * edge(shift, y / 60) + 4 * random.around() + 16 * near * random.unit();
    const end = left + wide + 5 * edge(shift + 9, y / 60) + 4 * random.around() - 16 * near * random.unit();
    context.strokeStyle = clear(colour, opacity);
    context.lineWidth = random.between(4, 11);
    context.beginPath();
    context.moveTo(begin, y);
    context.bezierCurveTo(
      begin + wide * 0.3,
      y + 6 * random.around(),
      begin + wide * 0.7,
      y + 6 * random.around(),
      end,
      y + 2 * random.around(),
    );
    context.stroke();
  }
}
