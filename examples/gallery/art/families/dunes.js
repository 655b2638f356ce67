// @ts-check
/** @import { Context, Draw } from "../artwork.js" */
/** @import { Palette } from "../palettes.js" */
import { clear, lightness, mix, warmest } from "../colour.js";
import { noise, rough } from "../noise.js";

/** Ridges behind ridges, each paler than the one before it. @type {Draw} */
export function dunes(context, { width, height, random, palette }) {
  const byLight = [...palette.hues].sort((a, b) => lightness(b) - lightness(a));
  const sky = palette.dark ? mix(palette.paper, byLight[2], 0.35) : palette.paper;
  const glow = byLight[random.whole(0, 1)];
  const fade = context.createLinearGradient(0, 0, 0, height * 0.75);
  fade.addColorStop(0, mix(sky, palette.dark ? palette.paper : byLight[2], 0.3));
  fade.addColorStop(1, mix(sky, glow, 0.75));
  context.fillStyle = fade;
  context.fillRect(0, 0, width, height);

  const horizon = height * random.between(0.3, 0.46);
  disc(context, width * random.between(0.2, 0.8), horizon - random.between(-30, 130), random.between(48, 105), palette);

  const near = palette.dark ? mix(palette.paper, "#000000", 0.25) : mix(palette.ink, byLight[4], 0.25);
  const middle = random.pick(byLight.slice(2, 4));
  const far = mix(sky, glow, 0.6);
  const layers = random.whole(5, 9);
  const shape = rough(noise(random), random.pick([1, 2, 4]));
  const steep = random.between(0.6, 1.3);
  for (let layer = 0; layer < layers; layer++) {
    const depth = (layer + 0.6) / layers;
    const hue = depth < 0.55 ? mix(far, middle, depth / 0.55) : mix(middle, near, (depth - 0.55) / 0.45);
    const base = horizon + (height * 1.02 - horizon) * depth ** 1.35;
    const swell = steep * (60 + 90 * depth);
    const scale = 260 + 420 * depth;
    const mist = context.createLinearGradient(0, base - swell, 0, base + height * 0.26);
    mist.addColorStop(0, hue);
    mist.addColorStop(1, mix(hue, far, 0.42 * (1 - depth)));
    context.fillStyle = mist;
    context.beginPath();
    context.moveTo(-10, height + 10);
    for (let x = -10; x <= width + 10; x += 6) {
      context.lineTo(x, base - swell * (0.4 + shape(x / scale + 50 * layer, layer * 3.7)));
    }
    context.lineTo(width + 10, height + 10);
    context.fill();
  }
}

/** @type {(context: Context, x: number, y: number, radius: number, palette: Palette) => void} */
function disc(context, x, y, radius, palette) {
  const warm = warmest(palette.hues);
  const halo = context.createRadialGradient(x, y, radius, x, y, radius * 4);
  halo.addColorStop(0, clear(warm, 0.28));
  halo.addColorStop(1, clear(warm, 0));
  context.fillStyle = halo;
  context.fillRect(x - radius * 4, y - radius * 4, radius * 8, radius * 8);
  context.fillStyle = palette.dark ? palette.ink : warm;
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}
