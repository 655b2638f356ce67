"""The read API (contract §7): what ClickHouse has, and from the log what it has not yet, joined without a seam.

| module | what |
|---|---|
| rows, tail | accepted rows from `impressions.accepted.v1` that ClickHouse may not have yet, in memory, by user |
| seen, timeline | what is known of one user: ClickHouse's rows joined with the tail's |
| known, loading | the users that are in memory, and how they get there: a query for all who wait |
| statements, pool | SQL, and the connections that ask it |
| follower, positions | the consumer in its thread; where it starts, and what it may forget |
| service | all of it, with one start and one stop |
| cursors, answers, api | HTTP: pages, validators, problems, routes |
"""
