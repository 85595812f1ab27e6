/**
 * An exception of the AWS protocol: what a client gets. Thrown by operations and by what they stand on; anything else
 * that is thrown is a bug or StoreUnavailable, and becomes an InternalFailure.
 */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  /** The exception's name: `ResourceNotFoundException`. */
  readonly type: string;
  readonly statusCode: number;

  constructor(type: string, message: string, statusCode = 400, options?: { cause?: unknown }) {
    super(message, options);
    this.type = type;
    this.statusCode = statusCode;
  }
}

export function validationException(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

export function serializationException(message: string): AwsError {
  return new AwsError('SerializationException', message);
}

export function invalidArgument(message: string): AwsError {
  return new AwsError('InvalidArgumentException', message);
}

export function resourceNotFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message);
}

export function resourceInUse(message: string): AwsError {
  return new AwsError('ResourceInUseException', message);
}

/** Retryable: client libraries try a 500 again. */
export function internalFailure(cause?: unknown): AwsError {
  return new AwsError('InternalFailure', INTERNAL_FAILURE_TEXT, 500, { cause });
}

export const INTERNAL_FAILURE_TEXT = 'Internal service failure.';
