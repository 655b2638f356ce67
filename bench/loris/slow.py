"""Slow loris: connections that send a byte a second, and come back when they are ended, in a process of their own.

`python -m bench.loris.slow PORT CONNECTIONS SHARE`: SHARE of them are slow in a body, the others in a head. Prints a
line once all are open; on SIGTERM, prints as JSON what became of them.
"""

import asyncio
import json
import signal
import sys
from collections import Counter

from load.limits import require_files

HOST = "127.0.0.1"
BYTE_SECONDS = 1.0
# So that they don't all come at once, and their bytes don't either.
OPEN_SECONDS = BYTE_SECONDS
HEAD = b"POST /v1/impressions HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\n"
BODY = HEAD + b"Content-Length: 1000\r\n\r\n"


class Crowd:
    """Slow connections to a port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.open = self.bytes = 0
        self.ended: Counter[str] = Counter()
        """By the status that they got; "none" without one."""

    async def play(self, in_body: bool) -> None:
        """Be slow, again and again, until cancelled."""
        while True:
            reader, writer = await asyncio.open_connection(HOST, self._port)
            self.open += 1
            answer = asyncio.create_task(reader.read())  # until the other side ends it
            try:
                await self._drip(writer, in_body, answer)
                came = await answer
                self.ended[came.split(b" ", 2)[1].decode() if came.startswith(b"HTTP/1.1 ") else "none"] += 1
            except OSError:
                self.ended["reset"] += 1
            finally:
                self.open -= 1
                answer.cancel()
                writer.transport.abort()

    async def _drip(self, writer: asyncio.StreamWriter, in_body: bool, answer: asyncio.Task[bytes]) -> None:
        if in_body:
            writer.write(BODY)
        for byte in b"x" * 1_000 if in_body else HEAD * 100:
            writer.write(bytes([byte]))
            self.bytes += 1
            done, _ = await asyncio.wait([answer], timeout=BYTE_SECONDS)
            if done:
                return


async def main(port: int, connections: int, share: float) -> None:
    """Play until SIGTERM."""
    require_files(connections)
    crowd, ended = Crowd(port), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    tasks = []
    for number in range(connections):
        tasks.append(asyncio.create_task(crowd.play(number < share * connections)))
        await asyncio.sleep(OPEN_SECONDS / connections)
    while crowd.open < connections:
        await asyncio.sleep(0.01)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await ended.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sys.stdout.write(json.dumps({"ended": crowd.ended, "bytes": crowd.bytes}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
