"""The landing page: what this is, one picture, and two commands. Links are from the repository's root."""

TEXT = """# impression-streams

Exact, real-time impression recording as a stream, for apps that promise never to show anyone the same thing twice.

- Apps send *flushes*, batches of what a user saw, to a Kafka topic: with the Python SDK, any Kafka client, or
  over HTTP.
- A Faust worker decides each impression once: fresh, repeat, duplicate, late, from the future or malformed.
- It knows at every moment how much of each pool of artworks each user has seen: their *coverage*.
- A sink writes the result to ClickHouse exactly once, where analysts and dashboards read it.
- Retries, double-firing browsers, several tabs and `SIGKILL` cause neither duplicates nor losses.
- A ledger accounts for every event, and an independent recount of the topic must agree with every table.

![Producers send flushes to a topic; a worker decides them; a sink inserts the results into ClickHouse](docs/flow.svg)

## Two commands

```bash
make demo    # about a minute
make test    # about half an hour
```

The first plays a real impression log through the whole pipeline, with faults, and compares every table with a recount;
the second runs every test on a real broker and a real engine.
Both need only Python 3.11, Java 17 and Maven; [the README](README.md) goes on from there.

## Where to go
"""
