/** A recorder as many are: a queue in memory, a timer, and one beacon when the page goes. The matrix must catch it. */
"use strict";
window.createNaiveRecorder = ({ endpoint, userId, flushMs = 1000 }) => {
  let queue = [];
  let timer = 0;
  const flush = (transport, reason) => {
    clearTimeout(timer);
    timer = 0;
    if (!queue.length) return Promise.resolve();
    const impressions = queue;
    queue = [];
    const body = JSON.stringify({
      v: 1,
      flush_id: crypto.randomUUID(),
      user_id: userId,
      sent_at: Date.now(),
      transport,
      reason,
      impressions,
    });
    const url = `${endpoint}/v1/impressions`;
    if (transport === "beacon") return Promise.resolve(navigator.sendBeacon(url, body));
    return fetch(url, { method: "POST", body }).catch(() => undefined);
  };
  addEventListener("pagehide", () => flush("beacon", "pagehide"), { once: true });
  return {
    record(artworkId, { extra = {}, ...more } = {}) {
      queue.push({
        ...extra,
        impression_id: crypto.randomUUID(),
        artwork_id: artworkId,
        seen_at: Date.now(),
        pool_id: more.poolId,
        surface: more.surface,
      });
      timer ||= setTimeout(() => flush("fetch", "timer"), flushMs);
      return artworkId;
    },
    flush: () => flush("fetch", "manual"),
    stats: () => ({ pending: queue.length }),
  };
};
