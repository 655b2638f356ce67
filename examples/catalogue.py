"""Tell the stream which artworks there are: the 80 of the example log, in one pool.

    python examples/catalogue.py

Reads IMPRESSIONS_KAFKA_BOOTSTRAP (127.0.0.1:9092). The record's key is the artwork_id; its ordinal is its own for ever.
"""

import json
import os
import time

from confluent_kafka import Producer

ARTWORKS = 80

producer = Producer({"bootstrap.servers": os.environ.get("IMPRESSIONS_KAFKA_BOOTSTRAP", "127.0.0.1:9092")})
for ordinal in range(ARTWORKS):
    artwork = {
        "pool_id": "main",
        "ordinal": ordinal,
        "created_at": int(time.time() * 1000),
        "retired": False,
        "dna": [],
    }
    producer.produce("artworks.v1", key=f"a{ordinal:04d}", value=json.dumps(artwork))
left = producer.flush(30)
print(f"{ARTWORKS - left} artworks in the catalogue")
raise SystemExit(1 if left else 0)
