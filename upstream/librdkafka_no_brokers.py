"""librdkafka: a client that asked a broker while it was fenced may hang for five minutes after the broker is back.

`ADDRESS PID [ROUNDS]`: the address and process of the broker, which is repeatedly stopped for some seconds (20 times).
It takes luck: about one round in ten shows it; with metadata.recovery.rebootstrap.trigger.ms at 3 s it was not seen.
"""

import os
import signal
import sys
import threading

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from kit import NOT_REPRODUCED, REPRODUCED, Broker, say

CLIENTS = 4
# Longer than the silence after which a broker is fenced (4 s on the embedded one).
STOPPED_SECONDS = 6.0
# A healthy client recovers within one answer's time.
BACK_SECONDS = 15.0
ANSWER_SECONDS = 3.0


def answers(client: AdminClient, topic: str) -> bool:
    """Ask for something that any broker knows."""
    try:
        client.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_SECONDS)[topic].result()
    except KafkaException:
        return False
    return True


def main(address: str, pid: str, rounds: str = "20") -> int:
    """Stop the broker until a client is stuck; return the exit code."""
    pause = threading.Event()
    broker = Broker(address)
    broker.create(broker.name)
    for number in range(int(rounds)):
        clients = [AdminClient({"bootstrap.servers": address, "log_level": 0}) for _ in range(CLIENTS)]
        asking = [threading.Thread(target=lambda c=c: [answers(c, broker.name) for _ in range(200)]) for c in clients]  # type: ignore[misc]
        for thread in asking:
            thread.start()
        os.kill(int(pid), signal.SIGSTOP)
        pause.wait(STOPPED_SECONDS)
        os.kill(int(pid), signal.SIGCONT)
        for thread in asking:
            thread.join()
        pause.wait(BACK_SECONDS)
        stuck = [client for client in clients if not answers(client, broker.name)]
        if stuck and answers(AdminClient({"bootstrap.servers": address, "log_level": 0}), broker.name):
            say(f"reproduced: {len(stuck)} of {CLIENTS} clients get no answer in round {number + 1}; a new one does")
            return REPRODUCED
    say("not reproduced")
    return NOT_REPRODUCED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
