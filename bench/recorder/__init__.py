"""What the recorder's settings cost and gain, what it costs a page, and what its parts weigh: the tuning study.

Sixteen settings: a batch of 50, 100, 200 or 500 impressions, and a flush 0.5, 1, 2 or 5 s after the first that waits.

| question | figure | where it comes from |
|---|---|---|
| how many requests and bytes | of 100 impressions, raw and gzipped | model, held against 16 real recorders in one page |
| is gzip 60 % | share that it saves, from 1 to 500 impressions a flush | the recorder's bodies, Chromium's own gzip |
| CPU of the servers | s of 100,000 impressions: collector, broker, worker, sink, engine | the model's requests, really sent |
| CPU of the browser | ms of 100 impressions: main thread, all processes | flushes of 1 to 500, really sent; mixed as in the model |
| at risk at an exit | impressions without an acknowledgement when the page goes | model, and real exits |
| how much later they arrive | from seen to the broker's append | real exits: navigation, renderer and browser killed |
| latency to coverage | from seen to acknowledged, and to a GET that shows it | 16 real recorders, and the page itself asking |
| cost to the page | CPU of 1,000 observed elements, a scroll, a flush, a record; the longest task | Chromium, with and without |
| wake-ups when idle | timers, frames, requests in a minute; the same offline with something kept | Chromium, every timer counted |
| what a part weighs | gzipped bytes that go if it is left out | esbuild, each feature replaced by nothing |
| what an A/B test could show | users an arm for a difference | arithmetic, with the model's spread between users |

**What is modelled.** A session (`viewers.py`) is stops of a scroll: at each, some artworks become visible and are
recorded together a second later. `rules.py` plays the recorder's rules against it: when it flushes, what goes
together, what an exit sends. Both are pure, and the sizes of bodies are those that the recorder writes (`text.py`).
The example log has no sessions in it (its users are cohorts over a week), so it can't say how impressions arrive.

**What is compressed in time.** The servers get a cell's requests at a steady rate of impressions, faster than they
were recorded; each has the size and gzip that it would have. Only what arrives together is packed together, so the rate
is the same in all cells. Real browsers run in real time.

**What is compared.** The machine is shared: CPU time, never wall time, and only within one run. Rounds alternate in
order, and what the same programs use when idle for as long is taken off.

Needs Chromium and its driver (Debian's `chromium-driver`), Node and `recorder/node_modules` for the sizes, and Java.
"""
