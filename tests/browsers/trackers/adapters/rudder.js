// @rudderstack/analytics-js. Options as its documentation advises:
// https://www.rudderstack.com/docs/sources/event-streams/sdks/rudderstack-javascript-sdk/load-js-sdk/ and, so that
// nothing is loaded from elsewhere, .../rudderstack-javascript-sdk/sdk-hardening/
import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

let analytics, user;

function start({ endpoint, user: viewer }) {
  user = viewer;
  analytics = new RudderAnalytics();
  const updatedAt = "2026-01-01T00:00:00.000Z";
  const config = { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } };
  analytics.load("stub", endpoint, {
    // "By mocking the source configuration response", no request for it is made (sdk-hardening).
    getSourceConfig: () => ({
      updatedAt,
      source: { id: "s", name: "stub", workspaceId: "w", writeKey: "stub", enabled: true, destinations: [], config, updatedAt },
    }),
    // "Disable the loading of polyfills" (sdk-hardening).
    polyfillIfRequired: false,
    // XHR from a queue in localStorage, with retries: the default, written here because it matters. Beacons would not
    // be tried again, and wait for ten events or ten minutes (load-js-sdk, `useBeacon`).
    useBeacon: false,
    queueOptions: { maxRetryDelay: 360000, minRetryDelay: 1000, backoffFactor: 2, maxAttempts: 10, maxItems: 100 },
  });
}

function record(artworkId, { extra } = {}) {
  analytics.track("Artwork Seen", { ...extra, artwork_id: artworkId, viewer: user });
  return true;
}

// It sends each event at once, so there is nothing to flush.
window.subject = { start, record, flush() {} };
