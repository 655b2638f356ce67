"""The ceiling: what librdkafka and a JSON decoder reach in Python if nothing is decided, kept or written.

`queued.min.messages` and `fetch.queue.backoff.ms` are librdkafka's two settings that a consumer of small records
waits for: with the defaults it pauses between fetches.
"""

import orjson
from confluent_kafka import Consumer, KafkaError, TopicPartition

from bench.peers.common import Progress, Task, end_on_sigterm

BATCH = 5_000


def main() -> None:
    """Consume and decode until SIGTERM."""
    end_on_sigterm()
    task, progress = Task.load(), Progress()
    progress.serve(task.metrics_port)
    consumer = Consumer(
        {
            "bootstrap.servers": task.bootstrap,
            "group.id": task.group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "queued.min.messages": 20_000,
            "fetch.queue.backoff.ms": 10,
        }
    )
    loads = orjson.loads
    begins = [TopicPartition(task.input, partition, 0) for partition in range(task.partitions)]
    try:
        while True:
            consumer.assign(begins)
            left = task.partitions
            while left:
                impressions = 0
                for message in consumer.consume(BATCH, 0.1):
                    error = message.error()
                    if error is None:
                        impressions += len(loads(message.value() or b"")["impressions"])
                    elif error.code() == KafkaError._PARTITION_EOF:
                        left -= 1
                progress.impressions += impressions
    except KeyboardInterrupt:
        consumer.close()


if __name__ == "__main__":
    main()
