/**
 * What every page of the site has: it reports to the site what happens to it, and offers functions to the driver.
 *
 * Reports are plain fetches to the page's own origin: keepalive ones and beacons would use up the recorder's quota.
 */
"use strict";
(() => {
  const names = new Set(Object.getOwnPropertyNames(window));
  const plan = JSON.parse(document.documentElement.dataset.plan);
  const id = crypto.randomUUID();
  // Variants replace some of these, for the recorder only.
  const nativeFetch = window.fetch.bind(window);
  const text = (value) => String((value && (value.stack || value.message)) || value).slice(0, 2000);

  const report = (kind, data = {}) =>
    nativeFetch("/report", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ run: plan.run, key: plan.key, page: id, kind, ...data }),
    }).then(
      () => true,
      () => false, // the page is going away
    );

  addEventListener("error", (event) => {
    // A script that did not load has no message; scenarios block scripts on purpose.
    if (event.message) report("error", { text: `${event.message} (${event.filename}:${event.lineno})` });
  });
  addEventListener("unhandledrejection", (event) => report("rejection", { text: text(event.reason) }));
  addEventListener("securitypolicyviolation", (event) =>
    report("violation", { text: `${event.violatedDirective}: ${event.blockedURI} ${event.sample}` }),
  );
  addEventListener("pageshow", (event) => {
    const [navigation] = performance.getEntriesByType("navigation");
    const reasons = navigation && navigation.notRestoredReasons;
    report("show", {
      persisted: event.persisted,
      type: navigation ? navigation.type : "",
      reasons: reasons ? reasons.toJSON() : null,
      visible: document.visibilityState,
    });
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" || !leaving) report("visibility", { state: document.visibilityState });
  });
  let leaving = false;
  addEventListener("pagehide", () => (leaving = true));
  addEventListener("pageshow", () => (leaving = false));

  const record = (ids, options) => ids.map((each) => !!window.subject.record(each, options));
  const later = [];
  // A polled page answers first: its answer would die with it.
  const soon = (act) => void (plan.polled ? later.push(act) : setTimeout(act, 0));

  window.page = {
    id,
    plan,
    report,
    record,
    /** Record in the same task that leaves. */
    recordAndGo: (ids, url, options) => soon(() => (record(ids, options), (location.href = url))),
    /** Record in the exit's own handler. */
    recordAtExit: (ids, options) => addEventListener("pagehide", () => record(ids, options), { once: true }),
    /** Record one by one; report each once `record` has returned, and again once the subject says that it is stored. */
    recordSlowly(ids, everyMs, options) {
      const artworks = new Map();
      window.subject.onStored?.((stored) =>
        stored.forEach((each) => artworks.has(each) && report("stored", { artwork: artworks.get(each) })),
      );
      const next = (left) => {
        if (!left.length) return void report("recorded-all");
        const [first, ...others] = left;
        const recorded = window.subject.record(first, options);
        artworks.set(recorded, first);
        if (recorded) report("recorded", { artwork: first });
        setTimeout(next, everyMs, others);
      };
      next(ids);
    },
    // Not in the driver's own call: Firefox keeps a page out of its cache that a driver's click leaves.
    go: (url) => soon(() => (location.href = url)),
    link(url) {
      const link = document.createElement("a");
      link.href = url;
      link.textContent = "away";
      document.body.append(link);
      soon(() => link.click());
    },
    reload: () => soon(() => location.reload()),
    back: () => soon(() => history.back()),
    forward: () => soon(() => history.forward()),
    flush: () => void window.subject.flush(),
    stats: () => window.subject.stats(),
    destroy: () => void window.subject.destroy(),
    setConsent: (state) => void window.subject.setConsent(state),
    /** Names that scripts have left on the window since this one. */
    globals: () => Object.getOwnPropertyNames(window).filter((name) => !names.has(name)),
    visible: () => document.visibilityState,
    /** Have beacons of so many bytes on their way for some seconds, as another script of the page may. */
    eatQuota: (bytes) => navigator.sendBeacon("/slow", "x".repeat(bytes)),
    /** Keep this page's process busy, so that it can be told from others. */
    burn(ms) {
      soon(() => {
        const end = performance.now() + ms;
        while (performance.now() < end);
      });
    },
  };

  // A driver without WebDriver asks by long polls; they would keep a page out of the back/forward cache.
  if (plan.polled) {
    const poll = async () => {
      for (;;) {
        const answer = await nativeFetch(`/calls/${plan.key}/${id}`);
        if (!answer.ok) return;
        if (answer.status === 204) continue;
        const { name, args } = await answer.json();
        const value = await window.page[name](...args);
        await nativeFetch(`/called/${plan.key}/${id}`, { method: "POST", body: JSON.stringify({ value }) });
        for (const act of later.splice(0)) setTimeout(act, 0);
      }
    };
    poll().catch(() => undefined);
  }
})();
