import type { RequestListener } from 'node:http';
import { Problem, PROBLEM_MEDIA_TYPE, problemBody } from './problem.ts';

/** What tells nothing of streams: whether the process is well. */
const OPEN = /^\/health(?:\/|\?|$)/;

const CLOSED = new Problem({
  status: 403,
  code: 'restClosed',
  title: 'REST is closed',
  detail:
    'This service asks for signatures (TAILRACE_AUTH=sigv4), which plain REST has none of. Use the Kinesis protocol, at POST /.',
});

/** Plain REST of a service that asks for signatures: everything is refused, apart from its health. */
export function closedRest<Listener extends RequestListener>(restHandler: Listener): Listener {
  const listener: RequestListener = (request, response) => {
    if (OPEN.test(request.url ?? '')) {
      restHandler(request, response);
      return;
    }
    const body = JSON.stringify(problemBody(CLOSED, request.url?.split('?', 1)[0]));
    response.writeHead(CLOSED.status, {
      'Content-Type': PROBLEM_MEDIA_TYPE,
      'Content-Length': Buffer.byteLength(body),
      // The body that may still come is nobody's.
      Connection: 'close',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    request.resume();
  };
  return Object.assign(listener, { stop: (restHandler as { stop?: () => void }).stop }) as unknown as Listener;
}
