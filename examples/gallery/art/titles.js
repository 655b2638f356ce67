// @ts-check
/**
 * Three lists of words: one of each, in this order, is a title. An empty word is left out.
 * @typedef {string[][]} Grammar
 */

/**
 * The title of a number: different ones for different numbers, until there are no more; neighbours have little in
 * common.
 * @param {number} number
 * @param {Grammar} grammar
 */
export function title(number, grammar) {
  const all = grammar.reduce((product, words) => product * words.length, 1);
  let step = Math.floor(all * 0.618);
  while (divisor(step, all) > 1) step++;
  let rest = (number * step) % all;
  const chosen = grammar.map((words) => {
    const word = words[rest % words.length];
    rest = Math.floor(rest / words.length);
    return word;
  });
  return chosen.filter((word) => word !== "").join(" ");
}

/** The greatest common one. @type {(a: number, b: number) => number} */
function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}
