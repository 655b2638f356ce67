"""`impressions top`: what workers and sinks do now, in the terminal, from the metrics that they serve.

    targets --fetch--> samples --figures--> screen (a terminal), lines (anything else)

It asks nobody but the processes themselves, so it works while Kafka, ClickHouse and Prometheus are away.
"""
