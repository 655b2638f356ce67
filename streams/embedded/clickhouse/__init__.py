"""The embedded ClickHouse: chDB, the real engine, in its own process behind ClickHouse's HTTP interface.

A request passes `server` (connection, foreign pages), `query` (the whole request), `users` (who), `ask` (what),
`body`/`decode` (its data), `pool` (a handle), `session` (rights, settings, the engine's work) and `answer`/`encode`.
"""
