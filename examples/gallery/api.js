// @ts-check
/**
 * The collector's read API, of one visitor and pool.
 * @typedef {{artwork_id: string, ordinal: number}} Unseen
 * @typedef {{artwork_id: string, seen_at: number, fresh: boolean}} Shown
 * @typedef {{pool_id: string, seen: number, pool_size: number, coverage: number}} Coverage
 */

/** No answer, or one that refuses; `said` is a sentence for people. */
export class ApiError extends Error {
  /**
   * @param {string} said
   * @param {number} seconds the collector's Retry-After; 0: none
   */
  constructor(said, seconds = 0) {
    super(said);
    this.seconds = seconds;
  }
}

export class Api {
  /**
   * @param {string} user
   * @param {string} pool
   */
  constructor(user, pool) {
    this.user = user;
    this.pool = pool;
  }

  /** The visitor's coverage; null if they have seen nothing. @returns {Promise<Coverage | null>} */
  async coverage() {
    const { pools } = await this.#get("coverage", { pool: this.pool });
    return pools[0] ?? null;
  }

  /**
   * A page of what the visitor has not seen.
   * @param {number} limit
   * @param {string | null} cursor
   * @returns {Promise<{items: Unseen[], next: string | null}>}
   */
  unseen(limit, cursor) {
    return this.#get("unseen", { pool: this.pool, limit: String(limit), ...(cursor ? { cursor } : {}) });
  }

  /** How many the visitor has not seen: those are counted. */
  async unseenCount() {
    let [count, cursor] = [0, /** @type {string | null} */ (null)];
    do {
      const page = await this.unseen(500, cursor);
      count += page.items.length;
      cursor = page.next;
    } while (cursor);
    return count;
  }

  /**
   * What the visitor has seen, newest first.
   * @param {number} limit
   * @param {string | null} cursor
   * @returns {Promise<{items: Shown[], next: string | null}>}
   */
  history(limit, cursor) {
    return this.#get("history", { limit: String(limit), ...(cursor ? { cursor } : {}) });
  }

  /** @type {(what: string, query: Record<string, string>) => Promise<any>} */
  async #get(what, query) {
    const path = `/v1/users/${encodeURIComponent(this.user)}/${what}?${new URLSearchParams(query)}`;
    return answer(
      await fetch(path).catch(() => {
        throw new ApiError("The collector can’t be reached.");
      }),
    );
  }
}

/** The paths that this collector offers. @returns {Promise<Set<string>>} */
export async function offered() {
  const response = await fetch("/openapi.json").catch(() => null);
  return new Set(response?.ok ? Object.keys((await response.json()).paths) : []);
}

/** @param {Response} response */
async function answer(response) {
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(
    problem.detail ?? `The collector answered ${response.status}.`,
    Number(response.headers.get("Retry-After")),
  );
}
