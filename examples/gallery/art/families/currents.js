// @ts-check
/** @import { Draw } from "../artwork.js" */
import { noise, rough } from "../noise.js";

/** Ribbons that follow a current, and never touch. @type {Draw} */
export function currents(context, { width, height, random, palette }) {
  context.fillStyle = palette.paper;
  context.fillRect(0, 0, width, height);
  const field = rough(noise(random), 2);
  const [scale, swing, heading] = [random.between(700, 1500), random.between(1.6, 3.4), random.between(0, 6.3)];
  const widths = random.pick([
    [5, 9, 14],
    [10, 22, 34],
    [4, 8, 16, 40],
    [16, 20, 26],
  ]);
  const gap = random.between(2.5, 6);
  const margin = random.chance(0.5) ? 56 : -40;
  const taken = new Occupied(width, height);
  const hues = random.shuffled(palette.hues);
  const zone = rough(noise(random), 1);
  context.lineJoin = "round";
  context.lineCap = random.chance(0.6) ? "butt" : "round";
  for (let stroke = 0; stroke < 1100; stroke++) {
    // Wide ones first: what is left between them is for the narrow ones.
    const wide =
      widths[widths.length - 1 - Math.min(widths.length - 1, Math.floor((stroke / 1100) * widths.length * 1.3))];
    const reach = wide / 2 + gap / 2;
    let [x, y] = [random.between(margin, width - margin), random.between(margin, height - margin)];
    const most = random.between(12, 95);
    const path = [];
    while (path.length < most && x > margin && x < width - margin && y > margin && y < height - margin) {
      if (taken.near(x, y, reach)) break;
      path.push(x, y);
      const angle = heading + swing * field(x / scale, y / scale);
      x += 7 * Math.cos(angle);
      y += 7 * Math.sin(angle);
    }
    if (path.length < 10) continue;
    const where = Math.abs(zone(path[0] / 900, path[1] / 900)) * 4;
    const hue = random.chance(0.72) ? hues[Math.floor(where) % hues.length] : random.pick(hues);
    context.strokeStyle = random.chance(0.06) ? palette.ink : hue;
    context.lineWidth = wide;
    context.beginPath();
    for (let at = 0; at < path.length; at += 2) {
      context.lineTo(path[at], path[at + 1]);
      taken.take(path[at], path[at + 1], reach);
    }
    context.stroke();
  }
}

/** Where something is already, in cells of 5 units. */
class Occupied {
  static cell = 5;

  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.columns = Math.ceil(width / Occupied.cell) + 40;
    this.rows = Math.ceil(height / Occupied.cell) + 40;
    this.cells = new Uint8Array(this.columns * this.rows);
  }

  /** @type {(x: number, y: number, reach: number) => boolean} */
  near(x, y, reach) {
    for (let n = 0; n < 8; n++) {
      const angle = (n * Math.PI) / 4;
      if (this.cells[this.#at(x + reach * Math.cos(angle), y + reach * Math.sin(angle))]) return true;
    }
    return this.cells[this.#at(x, y)] === 1;
  }

  /** @type {(x: number, y: number, reach: number) => void} */
  take(x, y, reach) {
    for (let dy = -reach; dy <= reach; dy += Occupied.cell) {
      const half = Math.sqrt(reach * reach - dy * dy);
      for (let dx = -half; dx <= half; dx += Occupied.cell) this.cells[this.#at(x + dx, y + dy)] = 1;
    }
  }

  /** @type {(x: number, y: number) => number} */
  #at(x, y) {
    return (Math.floor(y / Occupied.cell) + 20) * this.columns + Math.floor(x / Occupied.cell) + 20;
  }
}
