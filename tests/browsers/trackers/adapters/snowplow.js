// @snowplow/browser-tracker. Options as its documentation advises:
// https://docs.snowplow.io/docs/sources/web-trackers/configuring-how-events-sent/
import { newTracker, trackPageView, trackSelfDescribingEvent } from "@snowplow/browser-tracker";

let user;

function start({ endpoint, user: viewer }) {
  user = viewer;
  newTracker("sp", endpoint, {
    appId: "gallery",
    eventMethod: "post",
    // "We recommend leaving the bufferSize as the default value of 1": sent as soon as tracked.
    bufferSize: 1,
    // "It enables requests [...] to complete even if the page is closed or navigated away from."
    keepalive: true,
    // 40,000, below the 64 KB of keepalive; 5 s, "the minimum value" that is recommended; retries and the event store in
    // localStorage, of 1,000 events: all of these are defaults, and written here because they matter.
    maxPostBytes: 40000,
    connectionTimeout: 5000,
    retryFailedRequests: true,
    useLocalStorage: true,
    maxLocalStorageQueueSize: 1000,
    stateStorageStrategy: "cookieAndLocalStorage",
    // "Recommended" (tracker-setup/initialization-options); pages of the harness are not HTTPS.
    cookieSameSite: "Lax",
    cookieSecure: false,
  });
  // As its quick start does. What an earlier page left is sent with the next event, and only then.
  trackPageView();
}

function record(artworkId, { extra } = {}) {
  trackSelfDescribingEvent({
    event: {
      schema: "iglu:org.example/artwork_seen/jsonschema/1-0-0",
      data: { ...extra, artwork_id: artworkId, viewer: user },
    },
  });
  return true;
}

// It sends each event at once, so there is nothing to flush.
window.subject = { start, record, flush() {} };
