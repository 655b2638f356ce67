// @ts-check
import { find, plural } from "./page.js";

/**
 * What stands below the last work.
 * @typedef {{title: string, text: string, button: "passed" | "retry" | "another"}} End
 */

/** @param {End | null} end null: more works come */
export function showEnd(end) {
  find("section", "end").hidden = end === null;
  if (end === null) return;
  const title = document.getElementById("end-title");
  if (title && title.textContent !== end.title) title.textContent = end.title;
  find("text", "end").textContent = end.text;
  for (const button of ["passed", "retry", "another"]) find("button", button).hidden = button !== end.button;
}

/** @type {End} */
export const emptyPool = {
  title: "The pool is empty",
  text: "No artwork is catalogued yet: run impressions catalogue load examples/gallery/artworks.csv, and try again.",
  button: "retry",
};

/** @param {string} said @returns {End} */
export function interrupted(said) {
  return { title: "No more works for now", text: said, button: "retry" };
}

/** @param {number} count @returns {End} */
export function somePassed(count) {
  return {
    title: "Almost everything",
    text: `You passed ${plural(count, "work")} too quickly for ${count === 1 ? "it" : "them"} to count as seen.`,
    button: "passed",
  };
}

/** @param {number} size @returns {End} */
export function allSeen(size) {
  const all = size ? `All ${plural(size, "work")}` : "Every work";
  return {
    title: "You have seen everything",
    text: `${all}, each of them once. Nothing is left that would be new to you.`,
    button: "another",
  };
}
