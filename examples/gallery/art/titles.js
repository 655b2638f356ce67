// @ts-check
/**
 * Three lists of words: one of each, in this order, is a title. An empty word is left out.
 * @typedef {string[][]} Grammar
 */

/**
 * @param {import("./random.js").Random} random
 * @param {Grammar} grammar
 */
export function title(random, grammar) {
  return grammar.map((words) => random.pick(words)).filter((word) => word !== "").join(" ");
}
