/**
 * Every attribute name that our spans carry, by the OpenTelemetry semantic conventions **1.45.0** (names of ours begin
 * with `tailrace.`). Plain strings, so that nothing is loaded for them; a spec holds them against the published package.
 *
 * 1.45.0 renamed what older pages show: `messaging.system` is `messaging.system.name`, `messaging.kafka.offset` is
 * `kafka.offset`, `rpc.system` is `rpc.system.name`, and `rpc.service` went into a fully qualified `rpc.method`.
 */
export const SEMCONV_VERSION = '1.45.0';
export const SEMCONV_SCHEMA_URL = `https://opentelemetry.io/schemas/${SEMCONV_VERSION}`;

export const ERROR_TYPE = 'error.type';

export const HTTP_REQUEST_METHOD = 'http.request.method';
export const HTTP_REQUEST_METHOD_ORIGINAL = 'http.request.method_original';
export const HTTP_RESPONSE_STATUS_CODE = 'http.response.status_code';
export const HTTP_ROUTE = 'http.route';
export const URL_PATH = 'url.path';
export const URL_SCHEME = 'url.scheme';
export const NETWORK_PROTOCOL_NAME = 'network.protocol.name';
export const NETWORK_PROTOCOL_VERSION = 'network.protocol.version';
export const NETWORK_PEER_ADDRESS = 'network.peer.address';
export const NETWORK_PEER_PORT = 'network.peer.port';
export const SERVER_ADDRESS = 'server.address';
export const SERVER_PORT = 'server.port';
export const CLIENT_ADDRESS = 'client.address';
export const CLIENT_PORT = 'client.port';
export const USER_AGENT_ORIGINAL = 'user_agent.original';

export const RPC_SYSTEM_NAME = 'rpc.system.name';
export const RPC_METHOD = 'rpc.method';
export const RPC_STATUS_CODE = 'rpc.status_code';
export const AWS_REQUEST_ID = 'aws.request_id';
export const AWS_KINESIS_STREAM_NAME = 'aws.kinesis.stream_name';

export const MESSAGING_SYSTEM_NAME = 'messaging.system.name';
export const MESSAGING_OPERATION_NAME = 'messaging.operation.name';
export const MESSAGING_OPERATION_TYPE = 'messaging.operation.type';
export const MESSAGING_DESTINATION_NAME = 'messaging.destination.name';
export const MESSAGING_DESTINATION_PARTITION_ID = 'messaging.destination.partition.id';
export const MESSAGING_CONSUMER_GROUP_NAME = 'messaging.consumer.group.name';
export const MESSAGING_CLIENT_ID = 'messaging.client.id';
export const MESSAGING_BATCH_MESSAGE_COUNT = 'messaging.batch.message_count';
export const KAFKA_OFFSET = 'kafka.offset';

export const DB_SYSTEM_NAME = 'db.system.name';
export const DB_OPERATION_NAME = 'db.operation.name';
export const DB_OPERATION_BATCH_SIZE = 'db.operation.batch.size';
export const DB_STORED_PROCEDURE_NAME = 'db.stored_procedure.name';
export const DB_NAMESPACE = 'db.namespace';
export const DB_RESPONSE_STATUS_CODE = 'db.response.status_code';

/** Which engine holds the log: `redis`, `embedded`. */
export const TAILRACE_ENGINE = 'tailrace.engine';
/** `append`, `read`, …: what was asked of the log. */
export const TAILRACE_LOG_OPERATION = 'tailrace.log.operation';
/** Bytes of the batches that were appended or read, as stored. */
export const TAILRACE_LOG_BYTES = 'tailrace.log.bytes';
/** How many appends travelled to the store as one (natural batching). */
export const TAILRACE_LOG_GROUP_SIZE = 'tailrace.log.group_size';
/** The version of the Kafka request. */
export const TAILRACE_KAFKA_API_VERSION = 'tailrace.kafka.api_version';

/** No well-known value names Kinesis; this one follows `aws.sqs` and `aws.sns`. */
export const MESSAGING_SYSTEM_KINESIS = 'aws.kinesis';
export const MESSAGING_SYSTEM_KAFKA = 'kafka';
