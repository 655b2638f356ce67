import { json } from "./text";
import type { Options, RecordOptions } from "./types";

const whole = (value?: number): number | undefined => (value! >= 0 && value! < 1e15 ? Math.round(value!) : undefined);

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
    visible: given.visible! >= 0 && given.visible! <= 1 ? given.visible : undefined,
    position: whole(given.position),
    surface: given.surface ?? defaults.surface,
  });
