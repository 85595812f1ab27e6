import { type Api, type Draft, errorCodes, type Message } from '@tailrace/kafka-protocol';

/**
 * The answer to an operation that the protocol library can read and this door does not offer: the response's own fields,
 * empty, with UNSUPPORTED_VERSION where there is an error code at its top. `undefined` where there is none: an answer of
 * nothing but empty lists would be taken for success.
 */
export function unsupportedAnswer({ response }: Api): Draft<Message> | undefined {
  const { fields } = response;
  if (fields['errorCode'] === undefined) return undefined;
  const draft: Record<string, unknown> = {};
  for (const [name, { kind, nullable, options }] of Object.entries(fields)) {
    if (name === 'errorCode') draft[name] = errorCodes.UNSUPPORTED_VERSION;
    else if (options.default === undefined && options.tag === undefined)
      draft[name] = nullable ? null : emptyValue(kind);
  }
  return draft;
}

function emptyValue(kind: string): unknown {
  switch (kind) {
    case 'array':
      return [];
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int64':
      return 0n;
    case 'bytes':
    case 'records':
      return Buffer.alloc(0);
    default:
      return 0;
  }
}
