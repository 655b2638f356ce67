import { afterEach, beforeEach } from "node:test";
import { createSeen, type OnSeen, type Seen } from "../src/seen/createSeen";
import type { Visibility } from "../src/types";
import { World } from "./world";

export const WINDOW_MS = 600_000;

/** What each test begins with: a page, and an observer that runs and judges by half of it for a second. */
export let world: World;
export let seen: Seen;
export let reports: Parameters<OnSeen>[];
let rule: Visibility;

/** The artworks that were reported. */
export const ids = () => reports.map(([artworkId]) => artworkId);

/** As the recorder's: what fails stays from the page. */
const guard =
  <A extends unknown[]>(run: (...args: A) => void) =>
  (...args: A) => {
    try {
      run(...args);
    } catch {
      // A test sees it by what is missing.
    }
  };

export const judgeBy = (next: Visibility): void => void (rule = next);

/** Begin with another observer, paused. */
export const begin = (onSeen: OnSeen = (...report) => reports.push(report)): void => {
  seen = createSeen(() => rule, onSeen, guard);
};

beforeEach(() => {
  world = new World();
  world.install();
  judgeBy({ ratio: 0.5, ms: 1000 });
  reports = [];
  begin();
  seen.resume();
});

afterEach(() => world.restore());
