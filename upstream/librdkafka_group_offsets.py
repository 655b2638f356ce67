"""librdkafka: AdminClient.list_consumer_group_offsets crashes the process (SIGSEGV) while a coordinator loads.

Run it against a broker that has just been started for the first time, or restart one while it runs: `ADDRESS SECONDS`
asks for that long (10). https://github.com/confluentinc/librdkafka/issues/5040
"""

import resource
import signal
import subprocess
import sys
import time

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka.admin import AdminClient
from kit import NOT_REPRODUCED, REPRODUCED, say

SECONDS = 10.0
# Groups of several partitions of __consumer_offsets: each partition loads separately.
GROUPS = [f"upstream-{number}" for number in range(8)]


def ask(address: str, seconds: float) -> None:
    """Ask for groups' offsets; an error is a valid answer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its death is expected, and nobody reads the dump
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for group in GROUPS:
            try:
                admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], request_timeout=5)[
                    group
                ].result()
            except KafkaException:
                continue


def main(address: str, seconds: str = str(SECONDS), as_child: str = "") -> int:
    """Ask in a child process; return the exit code."""
    if as_child:
        ask(address, float(seconds))
        return 0
    code = subprocess.run([sys.executable, __file__, address, seconds, "child"], check=False).returncode
    if code == -signal.SIGSEGV:
        say("reproduced: the process that asked for a group's offsets died of SIGSEGV")
        return REPRODUCED
    say("not reproduced")
    return NOT_REPRODUCED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
