// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
import { clear, lightness, mix, warmest } from "../colour.js";

/** A sun over water, and its light on the waves. @type {Draw} */
export function tides(context, { width, height, random, palette }) {
  const byLight = [...palette.hues].sort((a, b) => lightness(b) - lightness(a));
  const horizon = height * random.between(0.46, 0.62);
  const sun = warmest(palette.hues);
  const high = palette.dark
    ? palette.paper
    : mix(palette.paper, byLight[random.whole(2, 3)], random.between(0.35, 0.8));
  const low = palette.dark ? mix(palette.paper, sun, 0.5) : mix(palette.paper, byLight[0], 0.55);
  const deep = palette.dark ? mix(palette.paper, "#000000", 0.3) : mix(byLight[4], palette.ink, 0.35);

  paint(context, 0, horizon, width, [high, mix(high, low, 0.65), low]);
  const [x, radius] = [width * random.between(0.3, 0.7), random.between(70, 150)];
  const y = horizon - radius * random.between(-0.2, 1.7);
  context.save();
  context.beginPath();
  context.rect(0, 0, width, horizon);
  context.clip();
  const halo = context.createRadialGradient(x, y, radius * 0.8, x, y, radius * 4.5);
  halo.addColorStop(0, clear(mix(sun, low, 0.35), 0.75));
  halo.addColorStop(1, clear(low, 0));
  context.fillStyle = halo;
  context.fillRect(0, 0, width, horizon);
  context.fillStyle = sun;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
  // Clouds are long and thin, and cross the sun.
  for (let cloud = random.whole(0, 5); cloud > 0; cloud--) {
    const [middle, high2] = [random.between(0, width), y + random.between(-1.4, 1.2) * radius];
    lens(
      context,
      middle,
      high2,
      random.between(140, 420),
      random.between(3, 11),
      clear(mix(low, high, random.unit()), 0.85),
    );
  }
  context.restore();

  paint(context, horizon, height, width, [mix(low, deep, 0.45), mix(low, deep, 0.8), deep]);
  for (let wave = horizon + 5; wave < height;) {
    const depth = (wave - horizon) / (height - horizon);
    const tall = 1.4 + 10 * depth ** 1.3;
    for (let n = random.whole(1, 3); n > 0; n--) {
      const dark = mix(deep, "#000000", 0.12);
      lens(
        context,
        random.between(0, width),
        wave + random.between(0, tall),
        random.between(60, 260),
        tall * 0.55,
        clear(dark, 0.5),
      );
    }
    const spread = radius * (0.95 - 0.35 * Math.sin(depth * Math.PI) + 0.55 * depth);
    for (let n = 0; n < 3; n++) {
      const long = spread * random.between(0.25, 0.95) * (n ? 0.5 : 1);
      const shine = clear(mix(sun, low, random.unit() * 0.5), 0.95 - 0.4 * depth);
      lens(
        context,
        x + random.around() * spread * (n ? 0.9 : 0.25),
        wave + n * tall * 0.3,
        long,
        tall * random.between(0.3, 0.55),
        shine,
      );
    }
    wave += tall * random.between(1.25, 1.7);
  }
}

/** @type {(context: Context, from: number, to: number, width: number, colours: string[]) => void} */
function paint(context, from, to, width, colours) {
  const fade = context.createLinearGradient(0, from, 0, to);
  colours.forEach((colour, n) => fade.addColorStop(n / (colours.length - 1), colour));
  context.fillStyle = fade;
  context.fillRect(0, from, width, to - from);
}

/** @type {(context: Context, x: number, y: number, long: number, tall: number, colour: string) => void} */
function lens(context, x, y, long, tall, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x - long, y);
  context.quadraticCurveTo(x, y - tall, x + long, y);
  context.quadraticCurveTo(x, y + tall, x - long, y);
  context.fill();
}
