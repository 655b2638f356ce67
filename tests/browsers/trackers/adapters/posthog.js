// posthog-js. Options as its documentation advises for custom events that must arrive:
// https://posthog.com/docs/libraries/js/config and the specification that it links to, PostHogConfig.
import posthog from "posthog-js";

let user;

function start({ endpoint, user: viewer }) {
  user = viewer;
  posthog.init("phc_stub", {
    api_host: endpoint,
    // The most recent defaults, which its documentation advises (config, `defaults`).
    defaults: "2026-08-30",
    // Identity is known beforehand, hence no wait for it (docs/libraries/bootstrapping).
    bootstrap: { distinctID: user, isIdentifiedID: true },
    persistence: "localStorage+cookie",
    // Batches every 3 s, and a beacon when the page hides: the default. An event by itself is not surer: "best effort,
    // not a guarantee" (capture options, `send_instantly`).
    request_batching: true,
    // "If you legitimately capture in bursts", raise the limit (PostHogConfig, `rate_limiting`): else it drops.
    rate_limiting: { events_per_second: 1000, events_burst_limit: 10000 },
    // No flags are used, "you may wish to turn off the call completely" (PostHogConfig, `advanced_disable_flags`);
    // nothing else is loaded from elsewhere, and nothing but our events is captured.
    advanced_disable_flags: true,
    disable_external_dependency_loading: true,
    autocapture: false,
    capture_pageview: false,
    capture_pageleave: false,
    capture_dead_clicks: false,
    capture_exceptions: false,
    capture_heatmaps: false,
    capture_performance: false,
    disable_session_recording: true,
    disable_surveys: true,
    // A driven browser is a bot to it: for end-to-end tests, says PostHogConfig, `opt_out_useragent_filter`.
    opt_out_useragent_filter: true,
  });
}

function record(artworkId, { extra } = {}) {
  posthog.capture("artwork_seen", { ...extra, artwork_id: artworkId, viewer: user });
  return true;
}

window.subject = { start, record };
