import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RestDependencies } from './dependencies.ts';
import type { RestApp } from './rest-app.ts';

export type { RestDependencies, RestLogger } from './dependencies.ts';

export interface RestHandler {
  (request: IncomingMessage, response: ServerResponse): void;
  /** Loads what the first request would load (Express, zod: some 100 ms), so that it need not. */
  warmUp(): Promise<void>;
  /** Ends feeds, long polls and bodies without end, in good order; other requests go on. */
  stop(): void;
}

/** The REST API as a request listener, for HTTP/1.1 and HTTP/2 alike. Loads its libraries at the first request. */
export function createRestHandler(dependencies: RestDependencies): RestHandler {
  let loading: Promise<RestApp> | undefined;
  let stopped = false;
  const load = (): Promise<RestApp> => {
    loading ??= import('./rest-app.ts').then(({ createRestApp }) => {
      const app = createRestApp(dependencies);
      if (stopped) app.stop();
      return app;
    });
    return loading;
  };
  let app: RestApp | undefined;
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    if (app !== undefined) {
      app.handle(request, response);
      return;
    }
    load().then(
      (loaded) => {
        app = loaded;
        app.handle(request, response);
      },
      (error: unknown) => {
        dependencies.logger.error({ err: error }, 'the REST API cannot be loaded');
        response.writeHead(500).end();
      },
    );
  };
  return Object.assign(handler, {
    async warmUp() {
      app = await load();
    },
    stop() {
      stopped = true;
      app?.stop();
    },
  });
}
