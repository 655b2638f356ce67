"""A case of the matrix: a fault under load."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from oracle import Verdict
from streams.runtime.failpoints import Failpoint
from tests.faults.system import System
from tests.support.load import USUAL, Shape

Act = Callable[[System, Random], None]


class Fault(StrEnum):
    """Every kind of fault: what is done, and to which process. Each Failpoint is a kind of its own too."""

    BROKER_KILLED = "broker killed"
    BROKER_HANGS = "broker hangs"
    OUTPUT_REFUSED = "output refused"
    CLICKHOUSE_DOWN = "ClickHouse down"
    CLICKHOUSE_SLOW = "ClickHouse slow"
    CONNECTION_CUT = "connection cut"
    SCHEMA_MIGRATED = "schema migrated"
    WORKER_DISK_FULL = "worker's disk full"
    CLICKHOUSE_DISK_FULL = "ClickHouse's disk full"
    MEMBERS_CHANGE = "members change"
    WORKER_REWOUND = "worker's offsets rewound"
    SINK_REWOUND = "sink's offsets rewound"
    RUBBISH = "rubbish"
    CLOCKS_WRONG = "clocks wrong"
    CATALOGUE_LATE = "catalogue late"
    CHANGELOG_LOST = "changelog lost"
    SOURCE_RECREATED = "source re-created"
    SETTINGS_CHANGED = "settings changed"
    SOURCE_GROWN = "source has more partitions"
    CATALOGUE_RECREATED = "catalogue re-created"
    CATALOGUE_CUT = "catalogue begins above 0"
    CREATE_TIME = "source keeps producers' times"
    BROKER_LOST = "broker's disk lost"
    CLICKHOUSE_LOST = "ClickHouse's disk lost"
    ROWS_LOST = "newest rows lost"
    HURTFUL_RECORD = "a record built to hurt"
    COMMANDS_TOGETHER = "commands at the same time"
    COMMAND_KILLED = "command killed"
    TRANSACTION_OPEN = "a producer's transaction left open"
    KILLED_DECIDING = "worker killed while it decides"
    PREDECESSOR_LIVES = "predecessor still works"
    WORKER_KILLED = "worker killed"
    WORKER_TERMINATED = "worker terminated"
    WORKER_ZOMBIE = "zombie worker"
    STATE_LOST = "local state lost"
    SINK_KILLED = "sink killed"
    SINK_TERMINATED = "sink terminated"
    SINK_ZOMBIE = "zombie sink"
    COLLECTOR_KILLED = "collector killed"
    COLLECTOR_TERMINATED = "collector terminated"
    BROKER_AWAY_FROM_COLLECTOR = "broker away from the collector"


# Kinds of fault that a test in tests/integration shows too, as `file::test`: then none of their cases is quick.
SHOWN_BY: Mapping[Fault | Failpoint, str] = {
    Fault.BROKER_HANGS: "test_alerts_live.py::test_a_broker_that_hangs_is_reported_by_all_until_it_returns",
    Fault.CLICKHOUSE_DOWN: "test_sink_outage.py::test_the_sink_waits_while_clickhouse_is_down_and_then_continues",
    Fault.MEMBERS_CHANGE: "test_worker_rebalance.py::test_a_worker_joins_leaves_and_takes_over",
    Fault.WORKER_REWOUND: "test_worker_crash.py::test_offsets_moved_by_hand_change_nothing",
    Fault.SINK_REWOUND: "test_sink.py::test_a_rewind_changes_nothing",
    Fault.CHANGELOG_LOST: "test_worker_lost.py::test_lost_changelogs_are_refused_at_every_start",
    Fault.SOURCE_GROWN: "test_worker_untaken.py::test_a_source_that_grows_under_a_running_worker",
    Fault.CREATE_TIME: "test_worker_memory.py::test_records_of_the_producers_time_end_the_worker",
    Fault.BROKER_LOST: "test_rebuild.py::test_a_lost_broker_is_rebuilt_with_another_partition_count",
    Fault.ROWS_LOST: "test_sink_lost.py::test_rows_that_are_gone_from_any_table_are_read_again",
    Fault.HURTFUL_RECORD: "test_worker_memory.py::test_a_record_costs_little_memory_and_the_flush_after_it_is_judged",
    Fault.COMMANDS_TOGETHER: "test_provision.py::test_interrupted_and_simultaneous_provisionings_are_completed",
    Fault.COMMAND_KILLED: "test_provision.py::test_interrupted_and_simultaneous_provisionings_are_completed",
    Fault.TRANSACTION_OPEN: "test_worker_untaken.py::"
    "test_a_partition_behind_an_open_transaction_shows_and_the_others_go_on",
    Fault.KILLED_DECIDING: "test_worker_killed.py::"
    "test_a_line_that_killed_the_process_three_times_is_rejected_and_its_neighbours_are_not",
    Fault.COLLECTOR_KILLED: "test_load.py::test_all_that_users_record_is_there_once_though_the_collector_is_killed",
    Fault.COLLECTOR_TERMINATED: "test_collector_process.py::"
    "test_sigterm_ends_it_with_0_and_a_request_on_its_way_is_answered",
    Fault.BROKER_AWAY_FROM_COLLECTOR: "test_collector_log.py::"
    "test_while_the_broker_is_away_everyone_is_told_in_time_and_then_it_goes_on",
}


@dataclass(frozen=True)
class Case:
    """A fault, by name. `act` returns once the fault is over or can be healed; the load keeps flowing."""

    name: str
    fault: Fault | Failpoint
    what: str
    act: Act
    own: bool = False
    """Runs on a system of its own, because it leaves a log or a state that would spoil other cases."""
    bare: bool = False
    """Runs on a system of its own that is not provisioned yet, and provisions it."""
    calm: bool = False
    """Produces the load that it needs by itself."""
    shape: Shape = USUAL
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings for a system of its own."""


CASES: dict[str, Case] = {}


def case(name: str, fault: Fault | Failpoint, **more: Any) -> Callable[[Act], Act]:
    """Declare a function as a case; its docstring describes the fault."""

    def declare(act: Act) -> Act:
        declare_case(name, fault, act, **more)
        return act

    return declare


def declare_case(name: str, fault: Fault | Failpoint, act: Act, what: str = "", **more: Any) -> None:
    """Declare a case. The first case of each fault is quick: declare the shortest first."""
    assert name not in CASES, name
    CASES[name] = Case(name, fault, what or (act.__doc__ or "").strip().split("\n")[0], act, **more)


def first_of_each(cases: Iterable[Case]) -> list[Case]:
    """Return the first case of each failpoint and kind of fault."""
    first: dict[Fault | Failpoint, Case] = {}
    for each in cases:
        first.setdefault(each.fault, each)
    return list(first.values())


def quick(cases: Iterable[Case]) -> list[Case]:
    """Return the first case of each kind that no other test shows: these run with all tests."""
    return [each for each in first_of_each(cases) if each.fault not in SHOWN_BY]


def run_case(system: System, case_: Case, rng: Random) -> Verdict:
    """Run a case on a healthy system. Raises AssertionError if it doesn't catch up (I5) or a program fails."""
    if case_.calm:
        case_.act(system, rng)
    else:
        with system.traffic(rng, case_.shape):
            case_.act(system, rng)
            system.heal()
            # The system must recover under load, not only once the load has stopped.
            system.flows()
    return system.verdict()
