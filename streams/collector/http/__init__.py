"""HTTP: what is read from a connection and what is answered. The rules are streams.collector.rules'."""
