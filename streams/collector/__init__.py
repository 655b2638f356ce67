"""The collector: takes flushes over HTTP, and answers 2xx once the brokers have them (decision 0021)."""
