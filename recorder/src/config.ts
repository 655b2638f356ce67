/** What the collector says about a user (contract §7). */
export interface Config {
  flush_ms?: number;
  batch_size?: number;
  tier?: "free" | "pro";
  visible_ratio?: number;
  visible_ms?: number;
  experiments?: Record<string, string>;
}

/** Ask the collector about a user whose id is one. False if it says nothing, rejects if it doesn't answer: everything works by defaults. */
export const config = async (endpoint: string, userId: string, tier: string | undefined, token?: string): Promise<Config | false> => {
  const response = await fetch(`${endpoint}/v1/users/${userId}/config${tier ? "?tier=" + tier : ""}`, {
    headers: token ? { Authorization: "Bearer " + token } : {},
    credentials: "omit",
    // A plain request in flight keeps a page out of Firefox's back/forward cache.
    keepalive: true,
  });
  return response.ok && response.json();
};
