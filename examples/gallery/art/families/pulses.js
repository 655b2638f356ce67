// @ts-check
/** @import { Draw } from "../artwork.js" */
import { mix } from "../colour.js";
import { noise, rough } from "../noise.js";

/** Lines above lines, which something under them lifts. @type {Draw} */
export function pulses(context, { width, height, random, palette }) {
  const ground = random.chance(0.35) && !palette.dark ? mix(palette.ink, palette.hues[1], 0.15) : palette.paper;
  const ink = ground === palette.paper ? palette.ink : palette.paper;
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  const [lines, margin] = [random.whole(34, 58), random.between(70, 110)];
  const land = rough(noise(random), 4);
  const hills = Array.from({ length: random.whole(1, 3) }, () => ({
    x: random.between(0.3, 0.7),
    y: random.between(0.35, 0.9),
    wide: random.between(0.1, 0.22),
    high: random.between(0.6, 1),
  }));
  const lift = random.between(110, 210);
  const [cool, warm] = [mix(ink, palette.hues[1], 0.5), palette.hues[random.pick([0, 2])]];
  const top = margin * 1.5;
  context.lineJoin = "round";
  for (let line = 0; line < lines; line++) {
    const level = line / (lines - 1);
    const base = top + (height - top - margin) * level;
    context.beginPath();
    for (let x = margin; x <= width - margin; x += 4) {
      const along = (x - margin) / (width - 2 * margin);
      let swell = 0.03;
      for (const hill of hills) {
        const [dx, dy] = [(along - hill.x) / hill.wide, (level - hill.y) / 0.45];
        swell += hill.high * Math.exp(-dx * dx - dy * dy);
      }
      // It calms down towards both ends.
      const calm = Math.min(1, 5 * along, 5 * (1 - along));
      context.lineTo(x, base - lift * swell * calm * (0.55 + Math.abs(land(x / 95, line * 0.31))));
    }
    context.fillStyle = ground;
    context.fill();
    context.strokeStyle = mix(cool, warm, Math.abs(2 * level - 1) ** 1.5);
    context.lineWidth = 2.4;
    context.stroke();
  }
}
