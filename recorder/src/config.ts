/** What the collector says about a user (contract §7). */
export interface Config {
  flush_ms?: number;
  batch_size?: number;
  tier?: "free" | "pro";
  visible_ratio?: number;
  visible_ms?: number;
  experiments?: Record<string, string>;
}

const PATIENCE_MS = 5000;

/** Ask the collector, once: an empty answer if it doesn't, and everything works by defaults. */
export const config = async (endpoint: string, userId: string, tier: string, token: string): Promise<Config> => {
  try {
    const headers: Record<string, string> = token ? { Authorization: "Bearer " + token } : {};
    const url = `${endpoint}/v1/users/${encodeURIComponent(userId)}/config?tier=${tier}`;
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), PATIENCE_MS);
    const response = await fetch(url, { headers, credentials: "omit", keepalive: true, signal: aborter.signal });
    const found = response.ok ? await response.json() : {};
    clearTimeout(timer);
    return found || {};
  } catch {
    return {};
  }
};
