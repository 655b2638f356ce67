"""The collector: takes flushes over HTTP, and answers once the brokers have them (docs/decisions/0021)."""
