// @ts-check
/** Who visits: the address says it (`?user=`), else this tab remembers, else a name is made up. */

import { Random } from "./art/random.js";

const KEY = "gallery.user";
const ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** @returns {string} */
export function visitor() {
  const asked = new URLSearchParams(location.search).get("user");
  const name = [asked, remembered()].find((each) => each && ID.test(each)) ?? madeUp();
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // Denied: the address has it.
  }
  history.replaceState(history.state, "", address(name));
  return name;
}

/** The address of this page for a visitor. @param {string} name */
export function address(name) {
  const url = new URL(location.href);
  url.searchParams.set("user", name);
  url.hash = "";
  return url.href;
}

/** A name that nobody has had, most probably. */
export function madeUp() {
  const random = new Random(String(crypto.getRandomValues(new Uint32Array(1))[0]));
  const manner = random.pick(["quiet", "early", "curious", "patient", "keen", "idle", "distant", "sunny"]);
  const animal = random.pick(["heron", "otter", "lynx", "wren", "hare", "badger", "swift", "newt", "crane"]);
  return `${manner}-${animal}-${random.whole(100, 999)}`;
}

function remembered() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
