"""Producers for backends that don't speak Kafka: flushes go to a collector by HTTP.

- endpoint, batch, answer: pure; where to, what is sent together, what an answer means
- token: tokens, of the producer or of each user, asked for again when they end
- wire, connection: a socket with or without TLS; a thread that has one request in flight
- sender: packs, retries, splits and reports; runs in the producer's own thread
- producer: HttpImpressionProducer and AsyncHttpImpressionProducer
"""
