// Record that a user saw artworks, from Node 18 or later, without any package:
//
//   node examples/http/send.mjs http://127.0.0.1:8080 u42 a0042 a0043
//
// A token, if the collector wants one, is in IMPRESSIONS_TOKEN. Prints the collector's answers once all is stored.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const FINAL = [400, 401, 403, 415]; // the same would be refused again

/** A flush with ids of its own. Make it once, keep it until it is stored, and send it as often as you like. */
export function flushOf(userId, artworkIds) {
  const now = Date.now();
  const impressions = artworkIds.map((id) => ({ impression_id: randomUUID(), artwork_id: id, seen_at: now }));
  return { v: 1, flush_id: randomUUID(), user_id: userId, sent_at: now, impressions };
}

/**
 * Send up to 500 flushes and return the collector's answers, one for each request that it took; `rejected` in them
 * names what the stream won't accept. Throws once `seconds` are over, or if the collector refuses them: then keep them.
 */
export async function send(endpoint, flushes, { token, seconds = 120 } = {}) {
  const giveUpAt = Date.now() + seconds * 1000;
  const text = Buffer.from(flushes.map((flush) => JSON.stringify(flush)).join("\n"));
  const body = text.length > 1024 ? gzipSync(text) : text; // the same bytes each time
  const headers = { "Content-Type": "application/json" };
  if (body !== text) headers["Content-Encoding"] = "gzip";
  if (token) headers.Authorization = `Bearer ${token}`;
  for (let failures = 0; ; failures++) {
    const { status, answer, retryAfter, why } = await attempt(`${endpoint}/v1/impressions`, headers, body);
    if (answer) return [answer];
    if (status === 413 && flushes.length > 1) {
      const middle = flushes.length >> 1;
      const left = { token, seconds: (giveUpAt - Date.now()) / 1000 };
      return [
        ...(await send(endpoint, flushes.slice(0, middle), left)),
        ...(await send(endpoint, flushes.slice(middle), left)),
      ];
    }
    if (status === 413 || FINAL.includes(status)) throw new Error(`refused: ${why}`);
    // What the collector asks for and up to half as much more; without it, at random up to twice as long each time.
    const pause =
      retryAfter === undefined
        ? Math.random() * Math.min(30, 0.5 * 2 ** failures)
        : retryAfter * (1 + Math.random() / 2);
    if (Date.now() + pause * 1000 >= giveUpAt) throw new Error(`not stored in time: ${why}`);
    await sleep(pause * 1000);
  }
}

/** One request. Without `answer`, the collector didn't say what it stored; a page that a proxy answers is not that. */
async function attempt(url, headers, body) {
  try {
    const options = { method: "POST", headers, body, redirect: "manual", signal: AbortSignal.timeout(20_000) };
    const response = await fetch(url, options);
    const text = await response.text();
    const after = response.headers.get("Retry-After");
    const retryAfter = /^\d+$/.test(after ?? "") ? Number(after) : undefined;
    const answer = response.ok ? parsed(text) : undefined;
    return { status: response.status, answer, retryAfter, why: `${response.status} ${text.slice(0, 200)}` };
  } catch (error) {
    return { why: String(error.cause ?? error) };
  }
}

function parsed(text) {
  try {
    const answer = JSON.parse(text);
    return Number.isInteger(answer.accepted) && Array.isArray(answer.rejected) ? answer : undefined;
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [endpoint, userId, ...artworkIds] = process.argv.slice(2);
  const flush = flushOf(userId, artworkIds);
  try {
    const answers = await send(endpoint, [flush], { token: process.env.IMPRESSIONS_TOKEN });
    answers.forEach((answer) => console.log(JSON.stringify(answer)));
  } catch (error) {
    console.error(`${error.message}\nkeep this and send it again: ${JSON.stringify(flush)}`);
    process.exitCode = 1;
  }
}
