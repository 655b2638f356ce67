import { between } from "./between";
import { json } from "./text";
import type { Options, RecordOptions } from "./types";

const whole = (value?: number): number | undefined => between(1e12, Math.round(value!));

/** What of `extra` may travel along: one level, so that nobody's nesting makes a line unreadable. */
const scalars = (extra: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(extra).filter(([, value]) => /^(str|num|boo)/.test(typeof value)));

/**
 * An impression as JSON; pool and surface are the recorder's, unless given. Optional values that the stream would refuse
 * are left out: they would reject all of it.
 */
export const impression = (id: string, artworkId: string, seenAt: number, given: RecordOptions, defaults: Options): string =>
  json({
    ...scalars(given.extra),
    impression_id: id,
    artwork_id: artworkId + "",
    seen_at: seenAt,
    pool_id: given.poolId ?? defaults.poolId,
    dwell_ms: whole(given.dwellMs),
    visible: between(1, given.visible),
    position: whole(given.position),
    surface: given.surface ?? defaults.surface,
  });
