// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
/** @import { Random } from "../random.js" */
import { clear, mix } from "../colour.js";

/** Stems with leaves, pressed onto paper. @type {Draw} */
export function herbaria(context, { width, height, random, palette }) {
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, width, height);
  const plants = random.whole(3, width > height ? 7 : 5);
  const hues = random.shuffled(palette.hues);
  context.globalCompositeOperation = palette.dark ? "source-over" : "multiply";
  for (let n = 0; n < plants; n++) {
    const x = width * (0.5 + (0.62 * (n + 0.5 - plants / 2)) / Math.max(2, plants - 0.5)) + 14 * random.around();
    plant(context, random, {
      x,
      y: height * random.between(0.88, 0.94),
      long: height * random.between(0.55, 0.8),
      lean: random.around() * 0.5,
      hue: hues[n % hues.length],
      ink: palette.ink,
    });
  }
  context.globalCompositeOperation = "source-over";
}

/**
 * @typedef {{x: number, y: number, long: number, lean: number, hue: string, ink: string}} Plant
 * @type {(context: Context, random: Random, plant: Plant) => void}
 */
function plant(context, random, { x, y, long, lean, hue, ink }) {
  const kind = random.whole(0, 2);
  const count = random.whole(6, 13);
  const leaf = { long: random.between(80, 170), wide: random.between(0.16, 0.36), open: random.between(0.55, 1.1) };
  const bend = random.around() * 0.9;
  const stem = Array.from({ length: 41 }, (_, n) => {
    const share = n / 40;
    const angle = -Math.PI / 2 + lean * share * 0.8 + bend * share * share * 0.35;
    return { x: x + long * share * Math.cos(angle), y: y + long * share * Math.sin(angle), angle };
  });
  context.strokeStyle = mix(hue, ink, 0.35);
  context.lineWidth = 3;
  context.lineCap = "round";
  context.beginPath();
  stem.forEach((point) => context.lineTo(point.x, point.y));
  context.stroke();
  for (let n = 0; n < count; n++) {
    const share = 0.2 + (0.8 * n) / count;
    const at = stem[Math.round(share * 40)];
    const size = leaf.long * (1.08 - 0.62 * share);
    const sides = kind === 0 ? [n % 2 ? 1 : -1] : [1, -1];
    for (const side of sides) {
      const angle = at.angle + side * leaf.open * random.between(0.85, 1.1);
      if (kind === 2) berry(context, at, angle, size * 0.55, hue, ink);
      else blade(context, at, angle, size, leaf.wide, hue, ink);
    }
  }
  const end = stem[40];
  if (kind === 2) berry(context, end, end.angle, leaf.long * 0.22, hue, ink);
  else blade(context, end, end.angle, leaf.long * 0.5, leaf.wide, hue, ink);
}

/**
 * @type {(context: Context, at: {x: number, y: number}, angle: number, long: number, wide: number, hue: string,
 *   ink: string) => void}
 */
function blade(context, at, angle, long, wide, hue, ink) {
  context.save();
  context.translate(at.x, at.y);
  context.rotate(angle);
  context.fillStyle = clear(hue, 0.82);
  context.beginPath();
  context.moveTo(0, 0);
  context.bezierCurveTo(long * 0.25, -long * wide * 1.3, long * 0.7, -long * wide, long, 0);
  context.bezierCurveTo(long * 0.7, long * wide, long * 0.25, long * wide * 1.3, 0, 0);
  context.fill();
  context.strokeStyle = clear(mix(hue, ink, 0.5), 0.7);
  context.lineWidth = 1.4;
  context.beginPath();
  context.moveTo(0, 0);
  context.lineTo(long * 0.88, 0);
  context.stroke();
  context.restore();
}

/**
 * @type {(context: Context, at: {x: number, y: number}, angle: number, long: number, hue: string,
 *   ink: string) => void}
 */
function berry(context, at, angle, long, hue, ink) {
  const [x, y] = [at.x + long * Math.cos(angle), at.y + long * Math.sin(angle)];
  context.strokeStyle = clear(mix(hue, ink, 0.35), 0.9);
  context.lineWidth = 1.6;
  context.beginPath();
  context.moveTo(at.x, at.y);
  context.lineTo(x, y);
  context.stroke();
  context.fillStyle = clear(hue, 0.9);
  context.beginPath();
  context.arc(x, y, 4 + long * 0.2, 0, 7);
  context.fill();
}
