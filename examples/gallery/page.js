// @ts-check
/** The elements of index.html that scripts use, by the attribute that says what for. */

/** @typedef {"button" | "number" | "bar" | "text" | "section" | "dialog" | "list" | "form"} Kind */

/**
 * @param {Kind} kind
 * @param {string} name
 * @returns {HTMLElement}
 */
export function find(kind, name) {
  const element = document.querySelector(`[data-${kind}="${name}"]`);
  if (!(element instanceof HTMLElement)) throw new Error(`index.html has no ${kind} ${name}`);
  return element;
}

/**
 * @param {string} name
 * @param {() => void} act
 */
export function onClick(name, act) {
  find("button", name).addEventListener("click", act);
}

/** Say it to those who don't see the numbers move. @param {string} text */
export function say(text) {
  const status = find("text", "status");
  if (status.textContent !== text) status.textContent = text;
}

/** @param {number} count @param {string} one @param {string} many */
export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
