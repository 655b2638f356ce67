"""What Prometheus and Alertmanager report meanwhile: when each alert was pending, fired and ended."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dashboards.observers import Observers

LOOK_SECONDS = 2.0
STATES = ["", "pending", "firing"]


@dataclass(slots=True)
class Event:
    """Something that happened or was reported, `at` seconds after the start."""

    at: float
    text: str


@dataclass(slots=True)
class Timeline:
    """Watches the alerts in a thread, and keeps these and others' notes in order of time."""

    observers: Observers
    say: Callable[[str], None]
    begun: float = field(default_factory=time.time)
    events: list[Event] = field(default_factory=list)
    fired: set[str] = field(default_factory=set)
    inhibited: set[str] = field(default_factory=set)
    states: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    _end: threading.Event = field(default_factory=threading.Event)

    def start(self) -> threading.Thread:
        """Start watching."""
        thread = threading.Thread(target=self._run, name="timeline", daemon=True)
        thread.start()
        return thread

    def finish(self) -> None:
        """Stop watching."""
        self._end.set()

    def note(self, text: str) -> None:
        """Keep a sentence with its time."""
        self.events.append(Event(time.time() - self.begun, text))
        self.say(f"{self.events[-1].at:5.0f} s  {text}")

    def look(self) -> None:
        """Look once, and note what has changed."""
        found: dict[str, str] = {}
        for alert in self.observers.alerts():
            labels = alert["labels"]
            if labels.get("severity") == "none":
                continue  # the watchdog, which always fires
            # One state for all partitions of an alert: the furthest that any of them has reached.
            name = labels["alertname"] + (f" (pool {labels['pool']})" if "pool" in labels else "")
            found[name] = max(found.get(name, ""), str(alert["state"]), key=STATES.index)
            if alert["state"] == "firing":
                self.fired.add(labels["alertname"])
        for name in sorted(found.keys() | self.states.keys()):
            before, now = self.states.get(name), found.get(name)
            if before != now:
                self.note(f"{name}: {now or 'over'}")
        self.states = found
        for name in sorted(self.observers.inhibited() - self.inhibited):
            self.inhibited.add(name)
            self.note(f"{name}: held back by Alertmanager")

    def _run(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            try:
                self.look()
            except OSError as error:
                self.problem = str(error)
                return
