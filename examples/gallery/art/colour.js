// @ts-check
/** Colours are texts such as `#d39b3a`, which these blend. */

/**
 * @param {string} colour
 * @returns {number[]}
 */
function parts(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/**
 * A colour between two: 0 is the first, 1 the second.
 * @param {string} first
 * @param {string} second
 * @param {number} share
 */
export function mix(first, second, share) {
  const other = parts(second);
  const mixed = parts(first).map((part, n) => Math.round(part + (other[n] - part) * Math.min(1, Math.max(0, share))));
  return "#" + mixed.map((part) => part.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} colour
 * @param {number} opacity
 */
export function clear(colour, opacity) {
  return `rgb(${parts(colour).join(" ")} / ${opacity})`;
}

/**
 * How light it looks, 0 to 1.
 * @param {string} colour
 */
export function lightness(colour) {
  const [red, green, blue] = parts(colour);
  return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
}

/**
 * The one that is most like the light of a low sun: much red, little blue.
 * @param {string[]} colours
 */
export function warmest(colours) {
  const warmth = (/** @type {string} */ colour) => parts(colour)[0] * 1.2 + parts(colour)[1] * 0.25 - parts(colour)[2];
  return colours.reduce((best, colour) => (warmth(colour) > warmth(best) ? colour : best));
}
