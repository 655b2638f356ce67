import { json } from "./text";
import type { RecordOptions } from "./types";

const whole = (value?: number): number | undefined => (value! >= 0 && value! < 1e15 ? Math.round(value!) : undefined);

/** What of `extra` may travel along: one level, so that nobody's nesting makes a line unreadable. */
const scalars = (extra: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(extra).filter(([, value]) => /^(str|num|boo)/.test(typeof value)));

/** An impression as JSON. Optional values that the stream would refuse are left out: they would reject all of it. */
export const impression = (id: string, artworkId: string, seenAt: number, options: RecordOptions): string =>
  json({
    ...scalars(options.extra),
    impression_id: id,
    artwork_id: artworkId,
    seen_at: seenAt,
    pool_id: options.poolId,
    dwell_ms: whole(options.dwellMs),
    visible: options.visible! >= 0 && options.visible! <= 1 ? options.visible : undefined,
    position: whole(options.position),
    surface: options.surface,
  });
