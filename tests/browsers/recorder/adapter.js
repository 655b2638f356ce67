"use strict";
window.subject = {
  start({ endpoint, user, options }) {
    this.recorder = window.ImpressionRecorder.createRecorder({ endpoint, userId: user, ...options });
  },
  record(artworkId, options) {
    return this.recorder.record(artworkId, options);
  },
  /** Call with the ids of impressions, as `record` returned them, once the browser's storage has them. */
  onStored(act) {
    this.recorder.on("stored", ({ impressionIds }) => act(impressionIds));
  },
  observe(element, artworkId, options) {
    return this.recorder.observe(element, artworkId, options);
  },
  flush() {
    return this.recorder.flush();
  },
  stats() {
    return this.recorder.stats();
  },
  destroy() {
    this.recorder.destroy();
  },
  setConsent(state) {
    this.recorder.setConsent(state);
  },
};
