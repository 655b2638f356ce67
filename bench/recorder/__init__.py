"""What the recorder's settings cost and gain, what it costs a page, and what its parts weigh: the tuning study.

Sixteen settings: a batch of 50, 100, 200 or 500 impressions, and a flush 0.5, 1, 2 or 5 s after the first that waits.
Each question, the figure that answers it, and where that comes from:

- Requests and bytes: of 100 impressions, raw and as sent. The model, held against 16 real recorders in one page.
- Is gzip 60 %? What it saves from 1 to 500 impressions a flush: the recorder's bodies, Chromium's own gzip.
- CPU of the servers: ms of 100 impressions in each program. The model's requests, really sent, until all is readable.
- CPU of the browser: ms of 100 impressions in the page's main thread, and in all of Chromium. Flushes of 1 to 499,
  really recorded and sent; mixed as in the model.
- At risk at an exit: impressions without an acknowledgement when the page goes. The model, and real exits.
- How much later they arrive: from the exit, or from the next visit's start, to the broker's append. Real exits by
  navigation, and by SIGKILL of the renderer and of the browser.
- Latency to coverage: from seen to acknowledged, and to a GET that shows it. The 16 recorders, and their page asking.
- The page's main thread: CPU time of 1,000 observed elements, of a scroll, a record, a flush; the longest task.
  Chromium, with the recorder and without.
- Wake-ups: timers, frames, observers and requests in a minute in which nothing happens, and with something kept while
  nobody answers. Chromium, each counted.
- What a part weighs: gzipped bytes that go if it is left out. esbuild, each feature replaced by nothing.
- What an A/B test could still show: users an arm for a difference. Arithmetic, with the model's spread between users.

**What is modelled.** A session (`viewers.py`) is stops of a scroll: at each, some artworks become visible, and are
recorded together a second later. `rules.py` plays the recorder's rules against it: when it flushes, what goes
together, what an exit sends. Both are pure, and bodies have the bytes that the recorder writes (`text.py`). The example
log has no sessions in it (its users are cohorts over a week), so it can't say how impressions arrive.

**What is compressed in time.** The servers get a setting's requests at a steady rate of impressions, faster than they
were recorded; each has the size and gzip that it would have. Only what arrives together is packed together, so the rate
is the same for all settings. Real browsers run in real time.

**What is compared.** The machine is shared: CPU time, not wall time, and only within one run. Rounds alternate in
order, and what the same programs use when idle for as long is taken off.

Needs Chromium and its driver (Debian's `chromium-driver`), Node and `recorder/node_modules` for the sizes, and Java.
"""
