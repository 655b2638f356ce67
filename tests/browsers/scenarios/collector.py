"""The collector dies, or has no broker, while a page sends to it."""

import shutil

from streams.runtime.failpoints import Action, Armed, Failpoint
from tests.browsers.broken import SOON
from tests.browsers.scenario import NotApplicableError, scenario
from tests.browsers.stack import Collector
from tests.browsers.visit import Visit

GROUP = "network"
# Longer than the collector waits for its broker.
ANSWER_SECONDS = 60.0


def killed_at(visit: Visit, failpoint: Failpoint) -> None:
    """Have the collector die of SIGKILL at a failpoint of the first request, and start it again once it is dead."""
    folder = visit.lane.folder / f"failpoints-{visit.run}"
    visit.resources.callback(shutil.rmtree, folder, ignore_errors=True)
    collector = visit.collector
    collector.replace(failpoints_dir=folder)
    assert isinstance(collector, Collector), "only a collector has settings"
    armed = folder / collector.name / failpoint
    armed.parent.mkdir(parents=True)
    armed.write_text(Armed(action=Action.KILL).model_dump_json())
    tab = visit.open()
    tab.record(10)
    visit.until(armed.with_name(f"{failpoint}.fired").exists, "the failpoint is reached")
    collector.wait_dead()
    tab.record(10)
    collector.start()
    visit.arrived()


@scenario("collector killed, nothing stored", GROUP, source="0023: killed mid-flush", options=SOON)
def killed_read(visit: Visit) -> None:
    """SIGKILL when it has read a request, and nothing of it is in the log."""
    killed_at(visit, Failpoint.COLLECTOR_READ)


@scenario("collector killed, all stored", GROUP, source="0023: killed mid-flush", options=SOON)
def killed_appended(visit: Visit) -> None:
    """SIGKILL when the broker has all of a request, and no answer has left."""
    killed_at(visit, Failpoint.COLLECTOR_APPENDED)


@scenario("collector killed at exit", GROUP, source="0023: killed mid-flush", options=SOON)
def killed_at_exit(visit: Visit) -> None:
    """The collector is dead when the page is left, and alive on the next page."""
    tab = visit.open()
    tab.record(5)
    visit.arrived()
    visit.collector.kill()
    tab.record_and_go(10)
    visit.collector.start()
    tab.load(visit.plan())
    visit.arrived()


@scenario("the broker away", GROUP, source="0023: broker away", options=SOON)
def broker_away(visit: Visit) -> None:
    """The broker hangs: the collector answers 503, or nothing, and acknowledges nothing until it is back."""
    stack = visit.lane.stack
    if stack is None:
        raise NotApplicableError("about the broker behind our collector")
    tab = visit.open()
    tab.record(1)
    visit.arrived()
    visit.resources.callback(stack.resume, "kafka")
    stack.pause("kafka")
    tab.record(10)
    refused = [503, 499]
    visit.until(
        lambda: any(each.status in refused for each in visit.front.requests(visit.user)),
        "a request is refused",
        ANSWER_SECONDS,
    )
    tab.go()
    stack.resume("kafka")
    tab.load(visit.plan())
    visit.arrived(patience=ANSWER_SECONDS)
