"""Faust apps for the reproductions: quick to start and to commit, otherwise with Faust's defaults."""

from typing import Any

import faust


def new_app(address: str, name: str, **settings: Any) -> faust.App:
    """Return an app with the id `name`."""
    ours = {
        # No port and no leader topic: the reproductions need neither.
        "web_enabled": False,
        "topic_disable_leader": True,
        "topic_partitions": 1,
        # Every 0.2 s instead of 2.8 s, so a commit that should not happen happens soon.
        "broker_commit_interval": 0.2,
        "worker_redirect_stdouts": False,
    }
    return faust.App(name, broker=f"kafka://{address}", **{**ours, **settings})


def start(app: faust.App) -> None:
    """Run the worker until it is killed."""
    running = app.Worker(loglevel="WARNING", redirect_stdouts=False, override_logging=False, quiet=True)
    running.spinner = None
    running.execute_from_commandline()
