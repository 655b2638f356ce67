"""What an error means: one answer for the worker, the sink, provisioning, rebuilding and the embedded stack."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.errors import BrokerAwayError, ClientBrokenError, FencedError, Kind, KnownError, UserError

# A broken client answers at once.
ABORT_SECONDS = 10.0
# A right is missing.
UNAUTHORISED = frozenset(
    {
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    }
)
# Who we say we are is not believed, or the broker can't show who it is.
LOGIN = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
    }
)
# There is no such topic or partition, or the broker that was asked doesn't know it yet.
MISSING = frozenset({KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART})
# Settings that the broker doesn't accept.
_SETTINGS = frozenset(
    {
        KafkaError._INVALID_ARG,
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_TRANSACTION_TIMEOUT,
        KafkaError.POLICY_VIOLATION,
        KafkaError.SECURITY_DISABLED,
        KafkaError.UNSUPPORTED_VERSION,
    }
)
# What a person must change.
_REFUSED = UNAUTHORISED | LOGIN | MISSING | _SETTINGS
# Another process has what this one had.
REPLACED = frozenset(
    {
        KafkaError._FENCED,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
    }
)
# Nobody answered.
SILENT = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._DESTROY,
        # The client forgot a broker of which it hadn't heard for long, and everything that waited for its answer.
        KafkaError._DESTROY_BROKER,
        KafkaError._FAIL,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError._UNKNOWN_BROKER,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
# What passes by itself. Kafka marks its own retriable errors; these are the client's, and some that it marks otherwise.
_AWAY = SILENT | {
    # The log no longer has an offset that it had a moment ago: look again where it begins.
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._INTR,
    KafkaError._NODE_UPDATE,
    KafkaError._PREV_IN_PROGRESS,
    KafkaError._RETRY,
    KafkaError._WAIT_CACHE,
    KafkaError._WAIT_COORD,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError.REPLICA_NOT_AVAILABLE,
}


def kind(error: BaseException) -> Kind:
    """Return what any error means. One that nobody knows is a defect of ours."""
    if isinstance(error, KnownError):
        return error.kind
    if isinstance(error, KafkaException) and error.args and isinstance(error.args[0], KafkaError):
        return kafka_kind(error.args[0])
    return Kind.DEFECT


def kafka_kind(error: KafkaError) -> Kind:
    """Return what an error of Kafka's client means."""
    code = error.code()
    if code in REPLACED:
        return Kind.RESTART
    if code in _REFUSED:
        return Kind.REFUSE
    # A client with a fatal error never works again, even if the error is one that passes. `produce` hides which it was.
    if error.fatal() or code == KafkaError._FATAL:
        return Kind.RESTART
    if code in _AWAY or error.retriable():
        return Kind.WAIT
    return Kind.DEFECT


def known(error: KafkaException, asked: str, right: str = "") -> Exception:
    """Return the error to raise in place of the client's own: it knows its kind, and says in one sentence what's wrong.

    `asked` says what Kafka was asked to do, as in "Kafka can't ... now"; `right` what that takes, as in "our login
    needs ...". A defect stays as it is, for its stack trace.
    """
    cause: KafkaError = error.args[0]
    match kafka_kind(cause):
        case Kind.WAIT:
            return BrokerAwayError(f"Kafka can't {asked} now: {cause.str()}.")
        case Kind.REFUSE:
            return UserError(_refusal(cause, asked, right))
        case Kind.RESTART if cause.code() in REPLACED:
            return FencedError(f"Kafka won't {asked}: another process has taken over ({cause.str()}).")
        case Kind.RESTART:
            return ClientBrokenError(f"Kafka's client can't {asked}, nor anything else any more: {cause.str()}.")
        case _:
            return error


def told(producer: Producer, error: KafkaException) -> KafkaException:
    """Return why a transactional producer's call failed; `produce` only says that the client is broken."""
    if error.args[0].code() == KafkaError._FATAL:
        try:
            producer.abort_transaction(ABORT_SECONDS)
        except KafkaException as why:
            return why
    return error


@contextmanager
def explaining(asked: str, right: str = "") -> Iterator[None]:
    """Raise `known` in place of every KafkaException that is raised within."""
    try:
        yield
    except KafkaException as error:
        better = known(error, asked, right)
        if better is error:
            raise
        raise better from None


def bad_login(detail: str) -> UserError:
    """Return the error for brokers that don't believe who we are, or that can't show who they are."""
    return UserError(
        f"The brokers and we don't trust each other: {detail.rstrip('.')}. Check IMPRESSIONS_KAFKA_SECURITY_PROTOCOL, "
        "IMPRESSIONS_KAFKA_USERNAME, IMPRESSIONS_KAFKA_PASSWORD_FILE and IMPRESSIONS_KAFKA_CA_FILE."
    )


def _refusal(cause: KafkaError, asked: str, right: str) -> str:
    code = cause.code()
    if code in LOGIN:
        return str(bad_login(cause.str()))
    if code in UNAUTHORISED and right:
        return f"Kafka won't {asked}: our login needs {right}. Grant that with kafka-acls.sh."
    if code == KafkaError.INVALID_TRANSACTION_TIMEOUT:
        return (
            "IMPRESSIONS_TRANSACTION_TIMEOUT_SECONDS is longer than the brokers allow: lower it, or raise their "
            "transaction.max.timeout.ms."
        )
    return f"Kafka won't {asked}: {cause.str()}."
