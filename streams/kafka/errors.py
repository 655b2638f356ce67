"""What an error means: one answer for the worker, the sink, provisioning, rebuilding and the embedded stack."""

from confluent_kafka import KafkaError, KafkaException

from streams.errors import Kind, KnownError

# Kafka's codes for what a person must change: rights, logins, settings that the broker doesn't accept, missing topics.
_REFUSED = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError._INVALID_ARG,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_TRANSACTION_TIMEOUT,
        KafkaError.POLICY_VIOLATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.SECURITY_DISABLED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.UNSUPPORTED_VERSION,
    }
)
# Another process has what this one had.
_REPLACED = frozenset(
    {
        KafkaError._FENCED,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
    }
)
# The client's own errors that pass once a broker answers. Kafka marks its retriable errors itself.
_AWAY = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._DESTROY,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
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
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
    }
)


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
    if code in _REPLACED:
        return Kind.RESTART
    if code in _REFUSED:
        return Kind.REFUSE
    if code in _AWAY or error.retriable():
        return Kind.WAIT
    return Kind.DEFECT
