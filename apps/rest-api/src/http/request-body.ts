import type { BodyBudget } from './body-budget.ts';
import type { StreamedExchange } from './exchange.ts';
import { BODY_BYTES_MAX } from './http-limits.ts';

export type BodyOutcome =
  | { readonly ok: true; readonly body: Buffer }
  /** `busy`: the door holds as many bodies as it will. `gone`: the client has left. */
  | { readonly ok: false; readonly code: 'too-large' | 'too-slow' | 'busy' | 'gone' };

const EMPTY = Buffer.alloc(0);

/**
 * Gathers a request's body. One that says it is too large is refused before a byte of it is kept, one that grows too
 * large or comes too slowly as soon as that shows. `done` is called once; after a body, the caller gives its bytes back
 * to the budget when it is done with them.
 */
export function gatherBody(
  { headers, source }: StreamedExchange,
  budget: BodyBudget,
  timeoutMs: number,
  done: (outcome: BodyOutcome) => void,
): void {
  const announced = headers['content-length'];
  if (announced !== undefined && Number(announced) > BODY_BYTES_MAX) {
    done({ ok: false, code: 'too-large' });
    return;
  }
  let first: Buffer | undefined;
  let chunks: Buffer[] | undefined;
  let size = 0;
  // From the beginning: over HTTP/2 the connection may be in use while of this body nothing comes, or all but its end.
  const timer = setTimeout(() => finish({ ok: false, code: 'too-slow' }), timeoutMs);

  const finish = (outcome: BodyOutcome): void => {
    clearTimeout(timer);
    source.off('data', onData);
    source.off('end', onEnd);
    source.off('close', onClose);
    if (!outcome.ok) {
      source.pause();
      budget.giveBack(size);
    }
    done(outcome);
  };
  const onData = (chunk: Buffer): void => {
    if (size + chunk.length > BODY_BYTES_MAX) return finish({ ok: false, code: 'too-large' });
    if (!budget.take(chunk.length)) return finish({ ok: false, code: 'busy' });
    size += chunk.length;
    if (first === undefined) {
      first = chunk;
      return;
    }
    (chunks ??= [first]).push(chunk);
  };
  const onEnd = (): void => {
    finish({ ok: true, body: chunks === undefined ? (first ?? EMPTY) : Buffer.concat(chunks, size) });
  };
  const onClose = (): void => finish({ ok: false, code: 'gone' });
  source.on('data', onData);
  source.on('end', onEnd);
  source.on('close', onClose);
}
