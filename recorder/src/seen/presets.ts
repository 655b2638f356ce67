import { between } from "../between";
import type { Preset, Visibility } from "../types";

/** Half of it for a second: MRC's rule for display ads, which is our default, too. */
const MRC: Visibility = { ratio: 0.5, ms: 1000 };
/** MRC's share for large ads. */
const MRC_LARGE = 0.3;

/** No longer than a browser's timer can hold (2^31 ms); more would fire at once. */
const LONGEST_MS = 2e9;

/**
 * The rule that a preset's name or some figures stand for, in thousandths. A ratio or time that is left out, or makes no
 * sense (a ratio of 50), is the default's, as is all for an unknown name, or none.
 */
export function resolveVisibility(visible?: Partial<Visibility> | Preset | null): Visibility {
  const given = Object(visible) as Partial<Visibility>;
  const ratio = between(1, given.ratio, MRC.ratio);
  return { ratio, ms: between(LONGEST_MS, given.ms, MRC.ms), large: between(1, visible == "mrc-large" ? MRC_LARGE : given.large, ratio) };
}
