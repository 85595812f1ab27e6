import { readFileSync } from 'node:fs';

/** A request and its answer, as they went over the wire without their four bytes of length. */
export interface Conversation {
  readonly key: number;
  readonly version: number;
  /** Who sent the request. */
  readonly client: string;
  readonly request: Buffer;
  /** Absent where the client wanted none. */
  readonly response: Buffer | undefined;
  /** What is special about it. */
  readonly note: string | undefined;
}

/** The recorded conversations; see `__fixtures__/README.md`. */
export function readConversations(): Conversation[] {
  const text = readFileSync(new URL('../__fixtures__/conversations.jsonl', import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { key, version, client, request, response, note } = JSON.parse(line) as Record<string, string> & {
        key: number;
        version: number;
      };
      return {
        key,
        version,
        client: client as string,
        request: Buffer.from(request as string, 'base64'),
        response:
          response === undefined || response === null || response === '' ? undefined : Buffer.from(response, 'base64'),
        note,
      };
    });
}
