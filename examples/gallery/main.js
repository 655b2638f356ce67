// @ts-check
/** The page: an unseen work comes, hangs, is seen, recorded, acknowledged; and never comes again. */

import { Api, offered } from "./api.js";
import { allSeen, emptyPool, interrupted, showEnd, somePassed } from "./end.js";
import { Feed } from "./feed.js";
import { Instruments } from "./instruments.js";
import { Kept } from "./kept.js";
import { goTo, moveByKeys } from "./keys.js";
import { isOffline, setOffline } from "./network.js";
import { find, onClick, plural, say } from "./page.js";
import { Painter } from "./painter.js";
import { Tabs, openTabs } from "./tabs.js";
import { TIMELINE_PATH, offerTimeline } from "./timeline.js";
import { address, madeUp, visitor } from "./visitor.js";
import { Wall } from "./wall.js";

const POOL = "gallery";

const user = visitor();
const api = new Api(user, POOL);
const kept = new Kept(user);
const feed = new Feed(api, kept.artworks());
const painter = new Painter();
const recorder = startRecorder();
const instruments = new Instruments(api, () => (tellEnd(), tell()));
const wall = new Wall(find("list", "wall"), (work) => {
  painter.watch(work.sheet, work.id);
  if (recorder) work.stop = recorder.observe(work.sheet, work.id);
});
const tabs = new Tabs(user, { seen: seenElsewhere, counted: () => instruments.ask() });

/** @returns {import("../../recorder/src/types").Recorder | null} */
function startRecorder() {
  const { ImpressionRecorder } = /** @type {any} */ (window);
  if (!ImpressionRecorder) {
    note("The recorder wasn’t loaded, so nothing is recorded: something blocks /recorder.js.");
    return null;
  }
  return ImpressionRecorder.createRecorder({
    endpoint: location.origin,
    userId: user,
    poolId: POOL,
    surface: "gallery",
  });
}

if (recorder) {
  /** @type {Map<string, string>} */
  const artworks = new Map();
  instruments.follow(recorder);
  recorder.on("record", ({ impressionId, artworkId }) => {
    artworks.set(impressionId, artworkId);
    kept.add(impressionId, artworkId);
    const work = wall.find(artworkId);
    // Once is enough here: without this, scrolling back would record it again, and the stream would drop the duplicate.
    work?.stop();
    work?.set("kept");
    tabs.seen(artworkId);
    tellEnd();
  });
  recorder.on("acknowledged", ({ impressionIds }) => {
    for (const id of impressionIds) {
      kept.settle(id);
      wall.find(artworks.get(id) ?? "")?.set("counted");
    }
    tabs.counted();
    instruments.ask();
  });
}

/** @param {string} id */
function seenElsewhere(id) {
  feed.known.add(id);
  const work = wall.find(id);
  if (work && work.state === "new" && !wall.remove(work)) work.set("counted");
  tellEnd();
}

let loading = false;
let failed = "";

async function more() {
  if (loading || feed.done) return;
  loading = true;
  try {
    const ids = await feed.more();
    failed = "";
    wall.add(ids);
    if (feed.done) wall.finish();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failed = error.message;
    const seconds = "seconds" in error ? Number(error.seconds) : 0;
    if (seconds) setTimeout(more, 1000 * seconds);
  } finally {
    loading = false;
    wall.element.setAttribute("aria-busy", "false");
    tellEnd();
  }
  // The page may still be shorter than the window.
  if (!failed) watchEnd();
}

const end = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && more(), {
  rootMargin: "0px 0px 200% 0px",
});

function watchEnd() {
  const line = find("section", "more");
  end.unobserve(line);
  if (!feed.done) end.observe(line);
}

function tellEnd() {
  const passed = wall.works.filter((work) => work.state === "new").length;
  if (failed) showEnd(interrupted(failed));
  else if (!feed.done) showEnd(null);
  else if (passed) showEnd(somePassed(passed));
  else if (instruments.visit?.size === 0) showEnd(emptyPool);
  else showEnd(allSeen(instruments.visit?.size ?? 0));
}

function tell() {
  const stats = recorder?.stats();
  if (!stats || !instruments.visit || !stats.recorded) return;
  const left = instruments.visit.size - instruments.visit.seen;
  const waiting = stats.pending ? ` ${stats.pending} wait in this browser.` : "";
  say(`${plural(stats.acknowledged, "work")} of this tab counted, ${left} unseen left.${waiting}`);
}

/** @param {string} text */
function note(text) {
  const place = find("text", "note");
  place.textContent = text;
  place.hidden = false;
}

onClick("offline", () => {
  setOffline(!isOffline());
  find("button", "offline").setAttribute("aria-checked", String(isOffline()));
  say(isOffline() ? "Offline: what you see is kept in this browser." : "Online: what was kept is sent.");
  if (!isOffline() && failed) more();
});
onClick("tabs", () => {
  const opened = openTabs(address(user), 5);
  if (opened < 5) note(`Your browser opened ${opened} of five: allow this page to open pop-ups, and try again.`);
});
onClick("retry", () => {
  feed.done = false;
  more();
});
onClick("another", () => location.assign(address(madeUp())));
onClick("passed", () => {
  const work = wall.works.find((each) => each.state === "new");
  if (work) goTo(work);
});
/** @type {HTMLInputElement} */ (document.getElementById("visitor")).value = user;
find("form", "visitor").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = new FormData(/** @type {HTMLFormElement} */ (event.target)).get("user");
  location.assign(address(String(name)));
});
addEventListener("pageshow", ({ persisted }) => persisted && instruments.refresh());

moveByKeys(wall, more);
more();
instruments.refresh();
offered().then((paths) => paths.has(TIMELINE_PATH) && offerTimeline(api, painter));
