import type { Preset, Visibility } from "../types";

/** Half of it for a second: MRC's rule for display ads, which is our default, too. */
const MRC: Visibility = { ratio: 0.5, ms: 1000 };

const PRESETS: Record<Preset, Visibility> = { mrc: MRC, "mrc-large": { ...MRC, large: 0.3 } };

/** No longer than a browser's timer can hold (2^31 ms); more would fire at once. */
const LONGEST_MS = 2e9;

const within = <T>(most: number, value: unknown, otherwise: T): number | T =>
  typeof value === "number" && value >= 0 && value <= most ? value : otherwise;

/**
 * The rule that a preset's name or some figures stand for. A ratio or time that is left out, or makes no sense (a ratio
 * of 50), is taken from `base`, as is all for an unknown name, or none.
 */
export function resolveVisibility(visible?: Partial<Visibility> | Preset | null, base = MRC): Visibility {
  const given: Partial<Visibility> = PRESETS[visible as Preset] ?? visible ?? base;
  const ratio = within(1, given.ratio, base.ratio);
  return { ratio, ms: within(LONGEST_MS, given.ms, base.ms), large: within(1, given.large, ratio) };
}
