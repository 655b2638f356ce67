"""What each setting would do to many sessions of each viewer."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.lib.figures import quantiles
from bench.recorder.rules import Played, Recorder
from bench.recorder.settings import BATCHES, FLUSH_SECONDS, Setting
from bench.recorder.text import raw_size, sizes
from bench.recorder.viewers import VIEWERS, Session, Viewer, sessions

SESSIONS = 1_000


@dataclass(slots=True)
class Cell:
    """What a setting did to all sessions of a viewer."""

    stop: int
    """How many artworks a stop of the viewer shows, about: it matters for the sizes."""
    impressions: int = 0
    sessions: int = 0
    requests: int = 0
    """Beacons beside a fetch included."""
    raw_bytes: int = 0
    """Bodies, if nothing were compressed."""
    sent_bytes: int = 0
    """Bodies as they are sent: live ones compressed, those of exits not."""
    waits: list[float] = field(default_factory=list)
    at_risk: list[int] = field(default_factory=list)
    """By session."""
    unsent: int = 0
    most: int = 0
    """The most that a page ever held."""
    live: Counter[int] = field(default_factory=Counter)
    """Live requests by their number of impressions."""
    exits: Counter[int] = field(default_factory=Counter)
    """Requests of exits by their number of impressions, each copy by itself."""

    def add(self, session: Session, played: Played) -> None:
        """Add a session."""
        self.sessions += 1
        self.impressions += len(session.recorded)
        self.waits += played.waits
        self.at_risk.append(played.at_risk)
        self.unsent += played.unsent
        self.most = max(self.most, played.most)
        for request in played.requests:
            raw, packed = sizes(request.impressions, self.stop)
            self.requests += request.copies
            self.raw_bytes += raw * request.copies
            self.sent_bytes += (raw if request.exit else packed) * request.copies
            (self.exits if request.exit else self.live)[request.impressions] += request.copies

    def figures(self) -> dict[str, Any]:
        """Return what the page shows; waits in s."""
        hundred = self.impressions / 100
        return {
            "impressions_a_session": self.impressions / self.sessions,
            "requests_a_session": self.requests / self.sessions,
            "requests": self.requests / hundred,
            "raw_bytes": self.raw_bytes / hundred,
            "sent_bytes": self.sent_bytes / hundred,
            "a_flush": sum(n * count for n, count in self.live.items()) / max(1, self.live.total()),
            "exit_requests": self.exits.total() / hundred,
            "waits": asdict(quantiles(self.waits)),
            "at_risk": asdict(quantiles(self.at_risk)),
            "at_risk_mean": sum(self.at_risk) / self.sessions,
            "unsent_mean": self.unsent / self.sessions,
            "at_risk_exits": sum(each > 0 for each in self.at_risk) / self.sessions,
            "live": {str(n): count / hundred for n, count in sorted(self.live.items())},
            "exits": {str(n): count / hundred for n, count in sorted(self.exits.items())},
        }


def cell(setting: Setting, viewer: Viewer, visits: Iterable[Session]) -> Cell:
    """Play a setting against sessions of a viewer."""
    found = Cell(round(viewer.artworks))
    for visit in visits:
        found.add(visit, Recorder(setting, raw_size).play(visit))
    return found


def model(count: int = SESSIONS) -> dict[str, Any]:
    """Return the figures by viewer and setting."""
    return {viewer.name: {"title": viewer.title, "settings": _settings(viewer, count)} for viewer in VIEWERS}


def _settings(viewer: Viewer, count: int) -> dict[str, Any]:
    visits = list(sessions(viewer, count))
    figures: dict[str, Any] = {}
    for seconds in FLUSH_SECONDS:
        reached = True
        for batch in BATCHES:
            # A batch that nobody reached makes no difference, and a larger one neither.
            if reached:
                found = cell(Setting(batch, seconds), viewer, visits)
                shown, reached = found.figures(), found.most >= batch
            figures[Setting(batch, seconds).name] = shown
    return figures
