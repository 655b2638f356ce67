/**
 * What is wrong with a browser, and what a page does besides recording: its tag's `data-setup` says which of them, and
 * `broken()` in `tests/browsers/broken.py` writes the tag. It runs after the recorder's scripts, and before a recorder
 * is made.
 */
"use strict";
(() => {
  const setup = JSON.parse(document.currentScript.dataset.setup);
  const { plan, report } = window.page;
  const fails = (name) => () => {
    throw new DOMException("not allowed here", name);
  };
  const denied = (name) => Object.defineProperty(window, name, { get: fails("SecurityError"), configurable: true });
  const whole = (bytes, of = "x") => of.repeat(bytes);
  const nativeOpen = IDBFactory.prototype.open;
  const nativeFetch = window.fetch.bind(window);
  const nativeBeacon = navigator.sendBeacon.bind(navigator);
  const databases = [];
  let compressing = false;

  /** A transaction that neither ends nor fails, as WebKit has after an exit (whatever is asked of it). */
  const endless = { objectStore: () => ({ put() {}, delete() {}, get: () => ({}), getAll: () => ({}) }), commit() {}, abort() {} };

  /** A compressed stream with a mistake: `change` gets the right bytes, and returns what comes out. */
  const compression = (change) => {
    const Native = window.CompressionStream;
    if (!Native) return;
    window.CompressionStream = function (format) {
      compressing = true;
      const stream = new Native(format);
      const readable = new ReadableStream({
        async start(controller) {
          const bytes = new Uint8Array(await new Response(stream.readable).arrayBuffer());
          const found = await change(bytes);
          if (found) controller.enqueue(found);
          controller.close();
        },
      });
      return { writable: stream.writable, readable };
    };
  };

  const quirks = {
    // Storage
    indexedDbDenied: () => (IDBFactory.prototype.open = fails("SecurityError")),
    indexedDbFails: () =>
      (IDBFactory.prototype.open = () => {
        const request = { error: new DOMException("Connection to Indexed Database server lost", "UnknownError") };
        setTimeout(() => request.onerror && request.onerror(new Event("error")));
        return request;
      }),
    indexedDbHangs: () => (IDBFactory.prototype.open = () => ({})),
    transactionsHang: () => (IDBDatabase.prototype.transaction = () => endless),
    /** A disk without room: each write ends its transaction. */
    writesFail() {
      const native = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (...given) {
        const { transaction } = this;
        // After the last write, as a browser does.
        transaction.commit = () => transaction.abort();
        return native.apply(this, given);
      };
    },
    localStorageDenied: () => denied("localStorage"),
    sessionStorageDenied: () => denied("sessionStorage"),
    /** The site's own data have it all, before a recorder is there. */
    localStorageFull: () => window.page.fill(),
    /** As it is after a tab was duplicated. */
    session: (entries) => Object.entries(entries).forEach(([key, value]) => sessionStorage.setItem(key, value)),
    local: (entries) => Object.entries(entries).forEach(([key, value]) => localStorage.setItem(key, value)),

    // Time
    clock(ms) {
      const Native = Date;
      window.Date = class extends Native {
        constructor(...given) {
          if (given.length) super(...given);
          else super(Native.now() + ms);
        }
        static now() {
          return Native.now() + ms;
        }
      };
    },

    // Privacy
    doNotTrack: () => Object.defineProperty(navigator, "doNotTrack", { value: "1", configurable: true }),
    globalPrivacyControl: () =>
      Object.defineProperty(navigator, "globalPrivacyControl", { value: true, configurable: true }),

    // Compression
    gzipEndsEarly: () => compression((bytes) => bytes.slice(0, bytes.length >> 1)),
    gzipIsRubbish: () => compression((bytes) => bytes.fill(7)),
    gzipFails: () => compression(() => Promise.reject(new TypeError("compression failed"))),
    gzipNeverEnds: () => compression(() => new Promise(() => {})),
    noCompression: () => delete window.CompressionStream,
    gzipTakes: (ms) => compression((bytes) => new Promise((resolve) => setTimeout(resolve, ms, bytes))),

    // Network
    /** The collector's name isn't known. */
    unresolved() {
      const wrong = (url) => String(url).replace(plan.endpoint, "http://collector.invalid");
      window.fetch = (url, init) => nativeFetch(wrong(url), init);
      navigator.sendBeacon = (url, body) => nativeBeacon(wrong(url), body);
      const nativeLater = window.fetchLater;
      if (nativeLater) window.fetchLater = (url, init) => nativeLater.call(window, wrong(url), init);
    },

    /** A function in `options.token` that gives these, one after another; the last one for ever. */
    tokens(given) {
      let calls = 0;
      const token = async () => {
        const next = given[Math.min(calls++, given.length - 1)];
        if (next === "throws") throw new Error("no session");
        return next === "hangs" ? new Promise(() => {}) : next;
      };
      const native = window.subject.start;
      window.subject.start = function (its) {
        return native.call(this, { ...its, options: { ...its.options, token } });
      };
    },
  };

  const others = [];
  Object.assign(window.page, {
    /** Fill what is left of localStorage with the page's own data, to the last byte. */
    fill() {
      for (let size = 1 << 20, n = 0; size; ) {
        try {
          localStorage.setItem(`page-${n++}`, whole(size));
        } catch {
          size >>= 1;
        }
      }
      return localStorage.length;
    },
    /** Whether a write of the page's own succeeds. */
    writes(bytes) {
      try {
        localStorage.setItem("page", whole(bytes));
        return localStorage.getItem("page").length === bytes;
      } catch {
        return false;
      }
    },
    /** Report all that this origin has stored. */
    async stored() {
      const found = [];
      for (const { name } of await indexedDB.databases()) found.push(`database ${name}`);
      for (const area of ["localStorage", "sessionStorage"]) found.push(...Object.keys(window[area]).map((key) => `${area} ${key}`));
      if (document.cookie) found.push("cookie");
      report("stored", { found });
    },
    session: () => ({ ...sessionStorage }),
    /** Close every database that this page opened: their handles are dead, as after Safari lost its server. */
    closeDatabases(event) {
      for (const database of databases) {
        database.close();
        if (event) database.dispatchEvent(new Event("close"));
      }
      return databases.length;
    },
    compressing: () => compressing,
    quirk: (name, value) => void quirks[name](value),
    /** Somebody else's database of this name. */
    makeDatabase(name, version) {
      const request = nativeOpen.call(indexedDB, name, version);
      request.onupgradeneeded = () => {
        if (version === 1) request.result.createObjectStore("theirs");
      };
      request.onsuccess = () => {
        request.result.close();
        report("made");
      };
    },
    deleteDatabases() {
      const all = indexedDB.databases().then((found) => found.map(({ name }) => indexedDB.deleteDatabase(name)));
      all.then(() => report("deleted"));
    },
    /** Something else on the page sends so much at its end, or now. */
    sendsToo: (url, bytes) => nativeBeacon(url, new Blob([whole(bytes)], { type: "text/plain" })),
    /** Log out and in: another user's recorder instead of this one. */
    login(user) {
      window.subject.destroy();
      return window.subject.start({ ...plan, user });
    },
    /** One more recorder on this page; `recordBy` records with it. */
    another(more) {
      others.push(Object.create(window.subject));
      return others[others.length - 1].start({ ...plan, ...more });
    },
    recordBy: (number, ids, options) => ids.map((each) => !!others[number].record(each, options)),
  });

  IDBFactory.prototype.open = function (...given) {
    const request = nativeOpen.apply(this, given);
    request.addEventListener("success", () => databases.push(request.result));
    return request;
  };
  for (const [name, value] of Object.entries(setup)) quirks[name](value);
})();
