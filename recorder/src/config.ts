/** What the collector says about a user (contract §7). */
export interface Config {
  flush_ms?: number;
  batch_size?: number;
  tier?: "free" | "pro";
  visible_ratio?: number;
  visible_ms?: number;
  experiments?: Record<string, string>;
}

/** Ask the collector, once: an empty answer if it doesn't, and everything works by defaults. */
export const config = async (endpoint: string, userId: string, tier: string | undefined, token: string): Promise<Config> => {
  try {
    const response = await fetch(`${endpoint}/v1/users/${encodeURIComponent(userId)}/config${tier ? "?tier=" + tier : ""}`, {
      headers: token ? { Authorization: "Bearer " + token } : {},
      credentials: "omit",
      // A plain request in flight keeps a page out of Firefox's back/forward cache.
      keepalive: true,
    });
    return (response.ok && (await response.json())) || {};
  } catch {
    return {};
  }
};
