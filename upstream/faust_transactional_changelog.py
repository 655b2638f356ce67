"""faust-streaming: recovery from a changelog that was written in transactions never ends.

It waits for the partition's last offset, which is a commit marker's: consumers never see those.
"""

from contextlib import ExitStack
from typing import Any

from faust_kit import new_app, start
from kit import Broker, Worker, need, run, say, until, worker

VALUES = [b'"one"', b'"two"']
SECONDS = 5.0


def work(address: str, name: str, app_id: str) -> None:
    """Print when the table is recovered."""
    app = new_app(address, app_id)
    table = app.Table("counts", partitions=1)

    @table.on_recover
    async def recovered() -> None:
        say(f"recovered {len(table)}")

    @app.agent(app.topic(name))
    async def process(stream: Any) -> None:
        async for _ in stream:
            pass

    start(app)


def reproduce(broker: Broker) -> str | None:
    """Recover the same table from two changelogs that differ only in the transaction."""
    broker.create(broker.name)
    with ExitStack() as stack:

        def recovering(kind: str, transactional: bool) -> Worker:
            changelog = f"{broker.name}-{kind}-counts-changelog"
            broker.create(changelog, cleanup_policy="compact")
            broker.produce(changelog, VALUES, transactional)
            return stack.enter_context(worker(broker, f"{broker.name}-{kind}"))

        plain, transactional = recovering("plain", False), recovering("transactional", True)
        need(plain.said, "recovery from a changelog without transactions")
        if not until(transactional.said, SECONDS):
            return f"recovered from a plain changelog, not from a transactional one {SECONDS:.0f} s later"
    return None


if __name__ == "__main__":
    run(reproduce, work)
