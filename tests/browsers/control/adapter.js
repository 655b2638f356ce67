"use strict";
window.subject = {
  start({ endpoint, user, options }) {
    this.recorder = window.createNaiveRecorder({ endpoint, userId: user, ...options });
  },
  record(artworkId, options) {
    return this.recorder.record(artworkId, options);
  },
  flush() {
    return this.recorder.flush();
  },
  stats() {
    return this.recorder.stats();
  },
};
