// @plausible-analytics/tracker. Options of its README, https://www.npmjs.com/package/@plausible-analytics/tracker, and
// https://plausible.io/docs/custom-event-goals: it has none for reliability. Each event is one fetch with keepalive.
import { init, track } from "@plausible-analytics/tracker";

let user;

function start({ endpoint, user: viewer }) {
  user = viewer;
  // It ignores driven browsers unless this is set, as its own end-to-end tests do.
  window.__plausible = true;
  init({
    domain: "gallery.example",
    endpoint: `${endpoint}/api/event`,
    // Only our events count, and pages of the harness are on the loopback.
    autoCapturePageviews: false,
    captureOnLocalhost: true,
    logging: false,
  });
}

function record(artworkId, { extra } = {}) {
  track("Artwork Seen", { props: { ...extra, artwork_id: artworkId, viewer: user } });
  return true;
}

// It sends each event at once, so there is nothing to flush.
window.subject = { start, record, flush() {} };
