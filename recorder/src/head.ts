import { client } from "./client";
import { isId } from "./ids";
import { json } from "./text";

/** What a flush says about where it comes from, as JSON without braces, with a comma at its end. A wrong field would reject it whole: left out. */
export const head = (session: string, tier: string | undefined, experiments: Record<string, string> = {}): string =>
  json({
    session_id: isId(session) ? session : undefined,
    tier: tier == "pro" ? tier : undefined,
    experiments: Object.fromEntries(
      Object.entries(experiments)
        .filter((pair) => pair.every(isId))
        .slice(0, 16),
    ),
    client: client(),
  }).slice(1, -1) + ",";
