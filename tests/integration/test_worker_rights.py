"""A right that is missing is one sentence that names it: for the partition that needs it, or for the whole worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from streams.embedded.kafka import broker
from streams.kafka.names import ACCEPTED, IMPRESSIONS, LEDGER, WORKER_GROUP
from tests.support.audit import of_user
from tests.support.load import at_home, flush, impression, now_ms, user_at
from tests.support.stack import Installation, running_installation
from tests.support.wait import until
from tests.support.worker import WorkerProcess

pytestmark = pytest.mark.integration

SECONDS = 90.0
REFUSED = 78
WE = "User:ANONYMOUS"
# Everything is allowed on what has no rule.
AUTHORIZER = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
"""
DESCRIBE, READ, WRITE = AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    properties = broker.properties
    with (
        mock.patch.object(broker, "properties", lambda *where: properties(*where) + AUTHORIZER),
        running_installation(tmp_path_factory.mktemp("rights"), clickhouse=False) as installation,
    ):
        yield installation


@contextmanager
def only(installation: Installation, resource: ResourceType, name: str, *allowed: AclOperation) -> Iterator[None]:
    """Allow only these operations on a resource. A right to read or write includes that to describe."""
    admin: Any = AdminClient({"bootstrap.servers": installation.settings.kafka_bootstrap})
    # At least one rule, or everything is allowed.
    rules = [(AclOperation.DELETE, AclPermissionType.DENY), *((each, AclPermissionType.ALLOW) for each in allowed)]
    literal = ResourcePatternType.LITERAL
    bindings = [AclBinding(resource, name, literal, WE, "*", operation, kind) for operation, kind in rules]
    for made in admin.create_acls(bindings).values():
        made.result(SECONDS)
    try:
        yield
    finally:
        # The client's annotations want a principal and a host; None stands for any.
        anyone: Any = None
        rules_of_it = AclBindingFilter(resource, name, literal, anyone, anyone, AclOperation.ANY, AclPermissionType.ANY)
        for gone in admin.delete_acls([rules_of_it]).values():
            gone.result(SECONDS)


def decided(installation: Installation, user: str) -> bool:
    """Send a line of the user, and wait until it is decided."""
    installation.produce([at_home(user, flush(user, [impression("a0001", now_ms())]))])
    ledger = installation.audit.logs[LEDGER]

    def found() -> bool:
        ledger.read_to_end()
        return bool(of_user(installation.audit.rows(LEDGER), user))

    return bool(until(found, SECONDS, f"the line of {user} is decided"))


def refusal(worker: WorkerProcess) -> str:
    """The sentence with which a worker ended."""
    assert worker.wait_exit(SECONDS) == REFUSED, worker.output()[-4000:]
    assert "Traceback" not in worker.output()
    (sentence,) = [line for line in worker.output().splitlines() if '"refused"' in line]
    return sentence


def test_a_partition_whose_transactions_are_not_allowed_is_left_alone(installation: Installation) -> None:
    worker = WorkerProcess(installation.settings)
    try:
        with only(installation, ResourceType.TRANSACTIONAL_ID, f"{WORKER_GROUP}-2"):
            worker.start()
            untaken = 'impressions_worker_partitions_untaken{kind="refuse",partition="2"} 1.0'
            until(lambda: untaken in worker.metrics() and worker.partitions() == 3, SECONDS, "the others are taken")
            assert decided(installation, user_at(0, "allowed"))
        why = "our login needs Describe and Write on the transactional id impressions-2. Grant that with kafka-acls.sh."
        assert why in worker.output()
        assert worker.output().count('"partition_refused"') == 1
        assert "Traceback" not in worker.output()
        assert worker.stop() == 0
    finally:
        worker.kill()


@pytest.mark.parametrize(
    ("resource", "name", "allowed", "needs"),
    [
        (
            ResourceType.TOPIC,
            IMPRESSIONS,
            (DESCRIBE, AclOperation.DESCRIBE_CONFIGS, WRITE),
            f"Read on the topic {IMPRESSIONS}",
        ),
        (ResourceType.GROUP, WORKER_GROUP, (DESCRIBE,), f"Read on the group {WORKER_GROUP}"),
    ],
)
def test_a_worker_that_may_not_read_ends(
    installation: Installation, resource: ResourceType, name: str, allowed: tuple[AclOperation, ...], needs: str
) -> None:
    worker = WorkerProcess(installation.settings)
    try:
        with only(installation, resource, name, *allowed):
            assert f"our login needs {needs}" in refusal(worker.start())
    finally:
        worker.kill()


def test_a_worker_that_may_no_longer_write_ends_and_its_successor_decides(installation: Installation) -> None:
    worker, user = WorkerProcess(installation.settings), user_at(1, "unwritten")
    try:
        worker.start().wait_ready()
        with only(installation, ResourceType.TOPIC, ACCEPTED, DESCRIBE, READ):
            installation.produce([at_home(user, flush(user, [impression("a0001", now_ms())]))])
            said = refusal(worker)
        assert "our login needs Write on all of the topics" in said
        assert ACCEPTED in said
        worker.start().wait_ready()
        assert decided(installation, user)
        assert worker.stop() == 0
    finally:
        worker.kill()
    installation.audit.check()
