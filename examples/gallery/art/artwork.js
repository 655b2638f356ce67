// @ts-check
import { families } from "./families/index.js";
import { palettes } from "./palettes.js";
import { Random, hash } from "./random.js";
import { title } from "./titles.js";

/**
 * What a family draws with; it draws from (0, 0) to (width, height), whose shorter side is 800.
 * @typedef {{width: number, height: number, random: Random, palette: import("./palettes.js").Palette}} Canvas
 * @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context
 * @typedef {(context: Context, canvas: Canvas) => void} Draw
 * @typedef {{id: string, family: import("./families/index.js").Family, palette: import("./palettes.js").Palette,
 *   ratio: number, title: string, description: string}} Artwork
 */

const SHORT = 800;

/**
 * Which artwork this id is: the same in every tab, browser and year.
 * @param {string} id
 * @returns {Artwork}
 */
export function artwork(id) {
  const random = new Random(id);
  const { family, turn } = familyOf(id);
  const palette = random.pick(family.dark ? palettes : palettes.filter((each) => !each.dark));
  const ratio = random.pick(family.ratios);
  const description = `${family.describes}, in ${palette.name}.`;
  return { id, family, palette, ratio, title: title(turn, family.titles), description };
}

/**
 * Draw it over a whole canvas of this size, in pixels.
 * @param {Artwork} work
 * @param {Context} context
 * @param {number} width
 * @param {number} height
 */
export function draw(work, context, width, height) {
  const scale = Math.min(width, height) / SHORT;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  const canvas = { width: width / scale, height: height / scale, random: new Random(`${work.id} drawn`) };
  work.family.draw(context, { ...canvas, palette: work.palette });
}

/**
 * Ids that end in a number take turns, so that neighbours differ: every family once, in another order each time.
 * @param {string} id
 * @returns {{family: import("./families/index.js").Family, turn: number}}
 */
function familyOf(id) {
  const number = Number(/\d{1,9}$/.exec(id)?.[0] ?? hash(id));
  const turn = Math.floor(number / families.length);
  return { family: new Random(`turn ${turn}`).shuffled(families)[number % families.length], turn };
}
